<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>AboutDialog</name>
    <message>
        <source>About InitViz</source>
        <translation>关于 InitViz</translation>
    </message>
    <message>
        <source>See live why the way a neural network&apos;s weights start decides whether it learns.</source>
        <translation>实时看清神经网络权重的初始化为什么决定它能否学会。</translation>
    </message>
    <message>
        <source>Free software under the MIT licence. It stands on:</source>
        <translation>以 MIT 许可证发布的自由软件，建立在以下软件之上：</translation>
    </message>
</context>
<context>
    <name>Actions</name>
    <message>
        <source>&amp;New</source>
        <translation>新建(&amp;N)</translation>
    </message>
    <message>
        <source>Begin with a small experiment</source>
        <translation>从一个小实验开始</translation>
    </message>
    <message>
        <source>&amp;Open…</source>
        <translation>打开(&amp;O)…</translation>
    </message>
    <message>
        <source>Open an experiment file</source>
        <translation>打开实验文件</translation>
    </message>
    <message>
        <source>&amp;Save</source>
        <translation>保存(&amp;S)</translation>
    </message>
    <message>
        <source>Write the experiment to its file</source>
        <translation>把实验写入它的文件</translation>
    </message>
    <message>
        <source>Save &amp;as…</source>
        <translation>另存为(&amp;A)…</translation>
    </message>
    <message>
        <source>Write the experiment to another file</source>
        <translation>把实验写入另一个文件</translation>
    </message>
    <message>
        <source>Export plot…</source>
        <translation>导出图表…</translation>
    </message>
    <message>
        <source>Save the plot used last as PNG, SVG or CSV</source>
        <translation>把最近使用的图表保存为 PNG、SVG 或 CSV</translation>
    </message>
    <message>
        <source>Clear list</source>
        <translation>清空列表</translation>
    </message>
    <message>
        <source>Forget the files opened last</source>
        <translation>清除最近打开的文件记录</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>退出(&amp;Q)</translation>
    </message>
    <message>
        <source>Close the window</source>
        <translation>关闭窗口</translation>
    </message>
    <message>
        <source>&amp;Add lane</source>
        <translation>添加赛道(&amp;A)</translation>
    </message>
    <message>
        <source>Add a network that trains beside the others</source>
        <translation>添加一个与其他网络并排训练的网络</translation>
    </message>
    <message>
        <source>&amp;Duplicate lane</source>
        <translation>复制赛道(&amp;D)</translation>
    </message>
    <message>
        <source>Copy the lane in focus</source>
        <translation>复制当前赛道</translation>
    </message>
    <message>
        <source>Re&amp;move lane</source>
        <translation>删除赛道(&amp;M)</translation>
    </message>
    <message>
        <source>Remove the lane in focus</source>
        <translation>删除当前赛道</translation>
    </message>
    <message>
        <source>Move lane up</source>
        <translation>上移赛道</translation>
    </message>
    <message>
        <source>Move the lane in focus up</source>
        <translation>上移当前赛道</translation>
    </message>
    <message>
        <source>Move lane down</source>
        <translation>下移赛道</translation>
    </message>
    <message>
        <source>Move the lane in focus down</source>
        <translation>下移当前赛道</translation>
    </message>
    <message>
        <source>More seeds</source>
        <translation>增加种子</translation>
    </message>
    <message>
        <source>Train the lane in focus with one more seed</source>
        <translation>让当前赛道多用一个种子训练</translation>
    </message>
    <message>
        <source>Fewer seeds</source>
        <translation>减少种子</translation>
    </message>
    <message>
        <source>Train the lane in focus with one seed fewer</source>
        <translation>让当前赛道少用一个种子训练</translation>
    </message>
    <message>
        <source>Next lane</source>
        <translation>下一条赛道</translation>
    </message>
    <message>
        <source>Focus the lane below</source>
        <translation>切换到下面的赛道</translation>
    </message>
    <message>
        <source>Previous lane</source>
        <translation>上一条赛道</translation>
    </message>
    <message>
        <source>Focus the lane above</source>
        <translation>切换到上面的赛道</translation>
    </message>
    <message>
        <source>&amp;Single step</source>
        <translation>单步(&amp;S)</translation>
    </message>
    <message>
        <source>Make exactly one update</source>
        <translation>只更新一次权重</translation>
    </message>
    <message>
        <source>&amp;Reset</source>
        <translation>重置(&amp;R)</translation>
    </message>
    <message>
        <source>Draw the weights anew and return to step 0</source>
        <translation>重新抽取权重，回到第 0 步</translation>
    </message>
    <message>
        <source>Slo&amp;wer</source>
        <translation>减速(&amp;W)</translation>
    </message>
    <message>
        <source>Fewer steps a second</source>
        <translation>降低每秒步数</translation>
    </message>
    <message>
        <source>&amp;Faster</source>
        <translation>加速(&amp;F)</translation>
    </message>
    <message>
        <source>More steps a second</source>
        <translation>提高每秒步数</translation>
    </message>
    <message>
        <source>S&amp;earch…</source>
        <translation>搜索(&amp;E)…</translation>
    </message>
    <message>
        <source>Try many values of some fields and keep the best</source>
        <translation>为若干字段尝试多种取值，留下最好的</translation>
    </message>
    <message>
        <source>&amp;Depth study…</source>
        <translation>深度研究(&amp;D)…</translation>
    </message>
    <message>
        <source>Train the lane in focus at many depths, beside what theory says</source>
        <translation>把当前赛道同时放到多种深度下训练，并与理论对照</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark writing on a light ground</source>
        <translation>浅色背景，深色文字</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>Light writing on a dark ground</source>
        <translation>深色背景，浅色文字</translation>
    </message>
    <message>
        <source>Like the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light or dark as the system is</source>
        <translation>浅色或深色跟随系统</translation>
    </message>
    <message>
        <source>Switch light and dark</source>
        <translation>切换浅色与深色</translation>
    </message>
    <message>
        <source>Speak English</source>
        <translation>使用英文</translation>
    </message>
    <message>
        <source>Speak Chinese</source>
        <translation>使用中文</translation>
    </message>
    <message>
        <source>Speak as the system does</source>
        <translation>跟随系统的语言</translation>
    </message>
    <message>
        <source>Switch language</source>
        <translation>切换语言</translation>
    </message>
    <message>
        <source>Switch English and Chinese</source>
        <translation>切换英文与中文</translation>
    </message>
    <message>
        <source>&amp;Controls</source>
        <translation>控制栏(&amp;C)</translation>
    </message>
    <message>
        <source>Show or hide the lanes and forms on the left</source>
        <translation>显示或隐藏左侧的赛道和设置</translation>
    </message>
    <message>
        <source>&amp;Lesson</source>
        <translation>讲解(&amp;S)</translation>
    </message>
    <message>
        <source>Show or fold the lesson on the right</source>
        <translation>展开或收起右侧的讲解</translation>
    </message>
    <message>
        <source>&amp;Presenter mode</source>
        <translation>演示模式(&amp;P)</translation>
    </message>
    <message>
        <source>Full screen with large type and thick lines, for a lecture hall</source>
        <translation>全屏、大号字体、粗线条，适合课堂演示</translation>
    </message>
    <message>
        <source>F&amp;ull screen</source>
        <translation>全屏(&amp;U)</translation>
    </message>
    <message>
        <source>Fill the screen with the window</source>
        <translation>让窗口占满屏幕</translation>
    </message>
    <message>
        <source>&amp;Keyboard map</source>
        <translation>快捷键(&amp;K)</translation>
    </message>
    <message>
        <source>List every key</source>
        <translation>列出所有快捷键</translation>
    </message>
    <message>
        <source>Open &amp;log folder</source>
        <translation>打开日志文件夹(&amp;L)</translation>
    </message>
    <message>
        <source>Show where faults are written down</source>
        <translation>打开记录故障的文件夹</translation>
    </message>
    <message>
        <source>&amp;About InitViz</source>
        <translation>关于 InitViz(&amp;A)</translation>
    </message>
    <message>
        <source>Versions and licences</source>
        <translation>版本与许可证</translation>
    </message>
    <message>
        <source>Overview</source>
        <translation>概览</translation>
    </message>
    <message>
        <source>Loss, signal, gradients and weights</source>
        <translation>损失、信号、梯度与权重</translation>
    </message>
    <message>
        <source>Gradients</source>
        <translation>梯度</translation>
    </message>
    <message>
        <source>Where the gradient vanishes or explodes</source>
        <translation>梯度在哪里消失或爆炸</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>权重</translation>
    </message>
    <message>
        <source>How weights and activations are spread</source>
        <translation>权重与激活值的分布</translation>
    </message>
    <message>
        <source>Theory</source>
        <translation>理论</translation>
    </message>
    <message>
        <source>The signal through the layers, beside the prediction</source>
        <translation>信号的逐层变化，与理论预测对照</translation>
    </message>
    <message>
        <source>&amp;Pause</source>
        <translation>暂停(&amp;P)</translation>
    </message>
    <message>
        <source>Stop training; nothing is lost</source>
        <translation>暂停训练；进度不会丢失</translation>
    </message>
    <message>
        <source>&amp;Play</source>
        <translation>播放(&amp;P)</translation>
    </message>
    <message>
        <source>Train all lanes</source>
        <translation>训练所有赛道</translation>
    </message>
    <message>
        <source>&amp;Undo {edit}</source>
        <translation>撤销(&amp;U) {edit}</translation>
    </message>
    <message>
        <source>Take back the last edit</source>
        <translation>撤销上一次修改</translation>
    </message>
    <message>
        <source>&amp;Redo {edit}</source>
        <translation>重做(&amp;R) {edit}</translation>
    </message>
    <message>
        <source>Do again what was taken back</source>
        <translation>恢复刚撤销的修改</translation>
    </message>
    <message>
        <source>Run</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>Lanes</source>
        <translation>赛道</translation>
    </message>
    <message>
        <source>File and edit</source>
        <translation>文件与编辑</translation>
    </message>
    <message>
        <source>View</source>
        <translation>视图</translation>
    </message>
    <message>
        <source>{tip} ({keys})</source>
        <translation>{tip}（{keys}）</translation>
    </message>
</context>
<context>
    <name>ActivationsView</name>
    <message>
        <source>Activations by layer</source>
        <translation>逐层激活值</translation>
    </message>
    <message>
        <source>Bells of equal width carry the signal; ReLU sets half of the values to zero, and a layer with nothing else is dead; heaps at both ends are saturated units.</source>
        <translation>宽度一致的钟形说明信号得以传递；ReLU 会把一半的值置零，而除零以外什么都没有的层就是失活了；堆在两端的是饱和的单元。</translation>
    </message>
    <message>
        <source>Press space to play.
How the activations of each layer are distributed appears here, layer 1 at the bottom.</source>
        <translation>按空格键开始训练。
这里会显示各层激活值的分布，第 1 层在最下面。</translation>
    </message>
    <message>
        <source>activation</source>
        <translation>激活值</translation>
    </message>
</context>
<context>
    <name>BoolRow</name>
    <message>
        <source>yes</source>
        <translation>是</translation>
    </message>
    <message>
        <source>no</source>
        <translation>否</translation>
    </message>
</context>
<context>
    <name>BoundaryView</name>
    <message>
        <source>Decision boundary</source>
        <translation>决策边界</translation>
    </message>
    <message>
        <source>Colour is the answer, its strength the confidence: a good start bends the border around the points, a bad one leaves it straight or pale.</source>
        <translation>颜色代表网络的预测，深浅代表置信度：好的初始化让边界绕着数据点弯曲，坏的初始化则边界笔直或颜色发白。</translation>
    </message>
    <message>
        <source>This data set has more than two inputs, so there is no plane to draw.
Choose moons, circles, spirals or xor to see decision boundaries.</source>
        <translation>这个数据集的输入不止两维，无法画成平面。
请选择双月、同心圆、双螺旋或异或，即可看到决策边界。</translation>
    </message>
    <message>
        <source>Press space to play.
The answer of every lane appears here for each place of the plane.</source>
        <translation>按空格键开始训练。
这里会显示每条赛道对平面上各点的预测。</translation>
    </message>
</context>
<context>
    <name>ConfusionView</name>
    <message>
        <source>Confusion matrix</source>
        <translation>混淆矩阵</translation>
    </message>
    <message>
        <source>Each row is a true class, each column an answer: a lane that learns fills the diagonal, one that has learned nothing fills a single column, and rare classes have the shortest bars.</source>
        <translation>每行是一个真实类别，每列是一种回答：学会的赛道填满对角线，什么也没学到的只填满一列，样本少的类别往往条形最短。</translation>
    </message>
    <message>
        <source>This data set has no classes to confuse.
Choose a data set with classes, then press space.</source>
        <translation>这个数据集没有类别可以混淆。
请选择一个有类别的数据集，然后按空格键。</translation>
    </message>
    <message>
        <source>Press space to play.
Which class each lane takes for which appears here, and how many of each class it gets right.</source>
        <translation>按空格键开始播放。
这里会显示各赛道把哪一类当成了哪一类，以及每一类答对多少。</translation>
    </message>
    <message>
        <source>true</source>
        <translation>真实</translation>
    </message>
    <message>
        <source>answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>share of the row: 0</source>
        <translation>占该行的比例：0</translation>
    </message>
    <message>
        <source>examples held back</source>
        <translation>留出的样本</translation>
    </message>
    <message>
        <source>training examples</source>
        <translation>训练样本</translation>
    </message>
    <message>
        <source>bars: accuracy by class</source>
        <translation>条形：各类准确率</translation>
    </message>
    <message>
        <source>class {name}</source>
        <translation>类别 {name}</translation>
    </message>
    <message>
        <source>true {true}, answer {answer}</source>
        <translation>真实 {true}，回答 {answer}</translation>
    </message>
    <message>
        <source>{number} of {total}  {share}</source>
        <translation>{number} / {total}  {share}</translation>
    </message>
</context>
<context>
    <name>Controls</name>
    <message>
        <source>What is learned, and how it is served</source>
        <translation>学习什么数据，怎样分批</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>Depth, width, activation, or every layer</source>
        <translation>深度、宽度、激活函数，或逐层设置</translation>
    </message>
    <message>
        <source>Network</source>
        <translation>网络</translation>
    </message>
    <message>
        <source>How weights and biases are drawn</source>
        <translation>怎样抽取权重和偏置</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>初始化</translation>
    </message>
    <message>
        <source>Optimizer, schedule, steps, precision</source>
        <translation>优化器、学习率调度、步数、精度</translation>
    </message>
    <message>
        <source>Training</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>Remedies</source>
        <translation>补救方法</translation>
    </message>
    <message>
        <source>What makes the start matter less</source>
        <translation>让初始化不那么要紧的办法</translation>
    </message>
</context>
<context>
    <name>DataPanel</name>
    <message>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>{dataset}, {batch} a batch</source>
        <translation>{dataset}，每批 {batch}</translation>
    </message>
    <message>
        <source>Data set</source>
        <translation>数据集</translation>
    </message>
    <message>
        <source>{count} examples</source>
        <translation>{count} 个样本</translation>
    </message>
    <message>
        <source>{count} targets</source>
        <translation>{count} 个目标值</translation>
    </message>
    <message>
        <source>{count} classes</source>
        <translation>{count} 类</translation>
    </message>
</context>
<context>
    <name>DeadUnitsView</name>
    <message>
        <source>Dead and saturated units</source>
        <translation>死亡与饱和的单元</translation>
    </message>
    <message>
        <source>A unit that is zero for every example gets no gradient, and one stuck at an end of its function hardly any: a bar that stays long is a part of the layer that the start has lost.</source>
        <translation>对每个样本都为零的单元得不到梯度，卡在函数两端的单元几乎得不到：一直很长的条就是这一层被初始化浪费掉的部分。</translation>
    </message>
    <message>
        <source>Press space to play.
Which share of each layer&apos;s units is dead or saturated appears here, step by step, layer 1 at the bottom.</source>
        <translation>按空格键开始。
这里将逐步显示每层有多大比例的单元死亡或饱和，第 1 层在最下面。</translation>
    </message>
    <message>
        <source>No unit here can be dead or saturated.
The activation of these layers has no flat part: choose ReLU, tanh or sigmoid to see what can happen.</source>
        <translation>这里的单元不会死亡，也不会饱和。
这些层的激活函数没有平坦的部分：请选择 ReLU、tanh 或 sigmoid，看看会发生什么。</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>layer {layer}: {share}</source>
        <translation>第 {layer} 层：{share}</translation>
    </message>
    <message>
        <source>step</source>
        <translation>步</translation>
    </message>
    <message>
        <source>light bar: for this whole batch</source>
        <translation>浅色条：本批全部样本</translation>
    </message>
    <message>
        <source>dark bar: in each of the last {count} looks</source>
        <translation>深色条：最近 {count} 次观察均如此</translation>
    </message>
    <message>
        <source>| at the start</source>
        <translation>| 初始</translation>
    </message>
    <message>
        <source>grey: cannot happen</source>
        <translation>灰色：不会发生</translation>
    </message>
    <message>
        <source>step {step}</source>
        <translation>第 {step} 步</translation>
    </message>
    <message>
        <source>for long {share}</source>
        <translation>长期 {share}</translation>
    </message>
</context>
<context>
    <name>DepthDesk</name>
    <message>
        <source>Depth study…</source>
        <translation>深度研究…</translation>
    </message>
    <message>
        <source>{name}, {depth} layers</source>
        <translation>{name}，{depth} 层</translation>
    </message>
    <message>
        <source>A study takes two depths or more.</source>
        <translation>至少需要两种深度。</translation>
    </message>
    <message>
        <source>{lanes} lanes, {parameters} parameters, {memory} of memory while training; a step computes about {times} times as much as now.</source>
        <translation>{lanes} 条赛道，{parameters} 个参数，训练时占用内存 {memory}；每步的计算量约为现在的 {times} 倍。</translation>
    </message>
    <message>
        <source>Study the depth of {lane}</source>
        <translation>研究“{lane}”的深度</translation>
    </message>
</context>
<context>
    <name>DepthDialog</name>
    <message>
        <source>Depth study</source>
        <translation>深度研究</translation>
    </message>
    <message>
        <source>Trains “{name}” at many depths at once: the same start, the same data, only more or fewer hidden layers.</source>
        <translation>把“{name}”同时放到多种深度下训练：初始化相同，数据相同，只是隐藏层多少不同。</translation>
    </message>
    <message>
        <source>&amp;Hidden layers</source>
        <translation>隐藏层数(&amp;H)</translation>
    </message>
    <message>
        <source>Whole numbers from 1 to {most}, with commas between them</source>
        <translation>1 到 {most} 的整数，以逗号分隔</translation>
    </message>
    <message>
        <source>&amp;Keep the other lanes</source>
        <translation>保留其他赛道(&amp;K)</translation>
    </message>
    <message>
        <source>Otherwise they make way for the study; undo brings them back</source>
        <translation>否则它们会让位给这项研究；撤销即可恢复</translation>
    </message>
    <message>
        <source>Make the lanes</source>
        <translation>建立赛道</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Write whole numbers with commas between them, such as 2, 4, 8, 16.</source>
        <translation>请写出以逗号分隔的整数，例如 2, 4, 8, 16。</translation>
    </message>
</context>
<context>
    <name>DepthStudyView</name>
    <message>
        <source>Depth study</source>
        <translation>深度研究</translation>
    </message>
    <message>
        <source>The same start at many depths: signal and gradient fade or grow by about the same factor with every layer, and networks deeper than about six times the depth scale ξ learn badly or not at all.</source>
        <translation>同一种初始化在多种深度下的表现：每过一层，信号和梯度都按大致相同的倍数衰减或增长；深度超过约六倍深度尺度 ξ 的网络学得很差，甚至完全学不会。</translation>
    </message>
    <message>
        <source>All lanes are equally deep.
Choose “Depth study…” in the Run menu to train the lane in focus at many depths, then press space.</source>
        <translation>所有赛道一样深。
请在“运行”菜单中选择“深度研究…”，把当前赛道放到多种深度下训练，然后按空格键。</translation>
    </message>
    <message>
        <source>Press space to play.
What is left of signal and gradient, and what is learned, appears here against the number of hidden layers.</source>
        <translation>按空格键开始。
这里会显示信号和梯度还剩多少、学到了多少，横轴为隐藏层数。</translation>
    </message>
    <message>
        <source>signal in the last hidden layer, E[z²]</source>
        <translation>最后一个隐藏层的信号 E[z²]</translation>
    </message>
    <message>
        <source>signal, E[z²]</source>
        <translation>信号 E[z²]</translation>
    </message>
    <message>
        <source>gradient in the first layer / in the last</source>
        <translation>首层梯度 / 末层梯度</translation>
    </message>
    <message>
        <source>gradient, first / last</source>
        <translation>梯度，首层/末层</translation>
    </message>
    <message>
        <source>training accuracy reached</source>
        <translation>达到的训练准确率</translation>
    </message>
    <message>
        <source>training loss reached</source>
        <translation>达到的训练损失</translation>
    </message>
    <message>
        <source>accuracy</source>
        <translation>准确率</translation>
    </message>
    <message>
        <source>loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>○ at the start  ● now</source>
        <translation>○ 初始  ● 当前</translation>
    </message>
    <message>
        <source>○ at the start  ● now  — theory</source>
        <translation>○ 初始  ● 当前  — 理论</translation>
    </message>
    <message>
        <source>hidden layers →</source>
        <translation>隐藏层数 →</translation>
    </message>
    <message>
        <source>6 ξ = {depth}</source>
        <translation>6 ξ = {depth}</translation>
    </message>
    <message>
        <source>theory {value}</source>
        <translation>理论 {value}</translation>
    </message>
    <message>
        <source>hidden layers: {depth}</source>
        <translation>隐藏层数：{depth}</translation>
    </message>
</context>
<context>
    <name>EnsembleView</name>
    <message>
        <source>Ensemble</source>
        <translation>集成</translation>
    </message>
    <message>
        <source>Networks that err on different examples correct each other: the thick line lies above the best member where they differ, and gains nothing where all give the same answers.</source>
        <translation>在不同样本上犯错的网络会互相纠正：成员答案不同时，粗线高于最佳成员；若所有成员答案都相同，集成就没有收益。</translation>
    </message>
    <message>
        <source>An ensemble takes two lanes or more.
Add a lane, for example with another seed, then press space.</source>
        <translation>集成至少需要两条赛道。
请添加一条赛道（例如换一个随机种子），然后按空格键。</translation>
    </message>
    <message>
        <source>Press space to play.
How good all lanes are together appears here, beside the mean and the best of them; examples must be held back for it.</source>
        <translation>按空格键播放。
这里显示所有赛道合在一起有多好，旁边是成员平均与最佳成员；为此必须留出验证样本。</translation>
    </message>
    <message>
        <source>together</source>
        <translation>合在一起</translation>
    </message>
    <message>
        <source>best member</source>
        <translation>最佳成员</translation>
    </message>
    <message>
        <source>mean member</source>
        <translation>成员平均</translation>
    </message>
    <message>
        <source>Choose two members or more that have not diverged.</source>
        <translation>请选择至少两个未发散的成员。</translation>
    </message>
    <message>
        <source>difference of the predictions</source>
        <translation>预测之差</translation>
    </message>
    <message>
        <source>answers that differ</source>
        <translation>答案不同的比例</translation>
    </message>
    <message>
        <source>{count} examples held back</source>
        <translation>{count} 个验证样本</translation>
    </message>
    <message>
        <source>accuracy</source>
        <translation>准确率</translation>
    </message>
    <message>
        <source>loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>step {step}</source>
        <translation>第 {step} 步</translation>
    </message>
    <message>
        <source>by itself</source>
        <translation>单独作答</translation>
    </message>
    <message>
        <source>Probabilities</source>
        <translation>概率</translation>
    </message>
    <message>
        <source>Logits</source>
        <translation>logits</translation>
    </message>
    <message>
        <source>Vote</source>
        <translation>投票</translation>
    </message>
    <message>
        <source>How the answers of the members become one: the mean of their probabilities, the mean of their logits, or the class that most of them choose</source>
        <translation>成员的答案如何合为一个：取概率的平均、logits 的平均，或多数成员选择的类别</translation>
    </message>
    <message>
        <source>Members</source>
        <translation>成员</translation>
    </message>
    <message>
        <source>Choose the lanes that answer together</source>
        <translation>选择共同作答的赛道</translation>
    </message>
</context>
<context>
    <name>ExplainView</name>
    <message>
        <source>Why it learns, or does not</source>
        <translation>为何能学或不能学</translation>
    </message>
    <message>
        <source>Each lane&apos;s start in words: what was measured in its layers, how that compares with theory, and what has become of it since.</source>
        <translation>用文字说明每条赛道的初始状态：各层测得了什么、与理论相比如何，以及此后发生了什么。</translation>
    </message>
    <message>
        <source>Press space to play.
What is right or wrong with the start of each lane, and why, appears here in words.</source>
        <translation>按空格键开始。
每条赛道的初始化好在哪里、坏在哪里，原因是什么，会在这里用文字说明。</translation>
    </message>
    <message>
        <source>{count} more where there is more room</source>
        <translation>放大后还可显示 {count} 条</translation>
    </message>
    <message>
        <source>signal a layer, theory</source>
        <translation>信号每层倍数、理论值</translation>
    </message>
    <message>
        <source>gradient a layer, theory</source>
        <translation>梯度每层倍数、理论值</translation>
    </message>
    <message>
        <source>loss</source>
        <translation>损失</translation>
    </message>
</context>
<context>
    <name>FaultReporter</name>
    <message>
        <source>A fault in InitViz</source>
        <translation>InitViz 出现故障</translation>
    </message>
    <message>
        <source>Something in the program went wrong: {line}</source>
        <translation>程序出错：{line}</translation>
    </message>
    <message>
        <source>What you see may be incomplete. Save your experiment and open the window again. Details were written to {file}; please send them along when you report this.</source>
        <translation>窗口中的内容可能不完整。请保存实验，然后重新打开窗口。详细信息已写入 {file}；报告问题时请一并附上。</translation>
    </message>
</context>
<context>
    <name>FieldForm</name>
    <message>
        <source>Reset {name}</source>
        <translation>重置“{name}”</translation>
    </message>
    <message>
        <source>Make lanes the same again</source>
        <translation>让各赛道重新一致</translation>
    </message>
</context>
<context>
    <name>FieldRow</name>
    <message>
        <source>Do not search this field</source>
        <translation>不搜索此字段</translation>
    </message>
    <message>
        <source>Do not search this field: {name}</source>
        <translation>不搜索此字段：{name}</translation>
    </message>
    <message>
        <source>to</source>
        <translation>到</translation>
    </message>
    <message>
        <source>log</source>
        <translation>对数</translation>
    </message>
    <message>
        <source>Orders of magnitude are equally likely, instead of values</source>
        <translation>各数量级的可能性相同，而不是各数值</translation>
    </message>
    <message>
        <source>Smallest value; or a list of values with commas between them</source>
        <translation>最小值；或用逗号分隔的一列值</translation>
    </message>
    <message>
        <source>Largest value</source>
        <translation>最大值</translation>
    </message>
    <message>
        <source>{name}: smallest value, or a list</source>
        <translation>{name}：最小值，或一列值</translation>
    </message>
    <message>
        <source>{name}: largest value</source>
        <translation>{name}：最大值</translation>
    </message>
    <message>
        <source>{name}: values to try</source>
        <translation>{name}：要尝试的值</translation>
    </message>
</context>
<context>
    <name>FileDesk</name>
    <message>
        <source>Untitled</source>
        <translation>未命名</translation>
    </message>
    <message>
        <source>new experiment</source>
        <translation>新建实验</translation>
    </message>
    <message>
        <source>Open an experiment</source>
        <translation>打开实验</translation>
    </message>
    <message>
        <source>opening of {file}</source>
        <translation>打开 {file}</translation>
    </message>
    <message>
        <source>opening of the scenario</source>
        <translation>打开场景</translation>
    </message>
    <message>
        <source>Save the experiment</source>
        <translation>保存实验</translation>
    </message>
    <message>
        <source>names of files made whole</source>
        <translation>补全文件的路径</translation>
    </message>
    <message>
        <source>Unsaved changes</source>
        <translation>未保存的更改</translation>
    </message>
    <message>
        <source>Save the changes to “{name}”?</source>
        <translation>要保存对“{name}”的更改吗？</translation>
    </message>
    <message>
        <source>They are lost otherwise.</source>
        <translation>如果不保存，这些更改将丢失。</translation>
    </message>
    <message>
        <source>&amp;Save</source>
        <translation>保存(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Don&apos;t save</source>
        <translation>不保存(&amp;D)</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Experiments (*.toml)</source>
        <translation>实验文件 (*.toml)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>所有文件 (*)</translation>
    </message>
</context>
<context>
    <name>FitHint</name>
    <message>
        <source>the signal halves every layer</source>
        <translation>信号每层减半</translation>
    </message>
    <message>
        <source>the signal doubles every layer</source>
        <translation>信号每层加倍</translation>
    </message>
    <message>
        <source>the signal shrinks to {factor} of itself every layer</source>
        <translation>信号每层缩小到原来的 {factor}</translation>
    </message>
    <message>
        <source>the signal grows {factor}-fold every layer</source>
        <translation>信号每层放大到 {factor} 倍</translation>
    </message>
    <message>
        <source>after {layers} layers {left} of it is left</source>
        <translation>{layers} 层之后只剩 {left}</translation>
    </message>
    <message>
        <source>after {layers} layers it is {left} times as large</source>
        <translation>{layers} 层之后变为原来的 {left} 倍</translation>
    </message>
    <message>
        <source>the gradient shrinks to {factor} of itself every layer back</source>
        <translation>梯度每往回一层就缩小到原来的 {factor}</translation>
    </message>
    <message>
        <source>the gradient grows {factor}-fold every layer back</source>
        <translation>梯度每往回一层就放大到 {factor} 倍</translation>
    </message>
    <message>
        <source>over {layers} layers {left} of it is left</source>
        <translation>经过 {layers} 层只剩 {left}</translation>
    </message>
    <message>
        <source>over {layers} layers it gets {left} times as large</source>
        <translation>经过 {layers} 层变为原来的 {left} 倍</translation>
    </message>
    <message>
        <source>{start} with {activation}: {every}.</source>
        <translation>{start}搭配 {activation}：{every}。</translation>
    </message>
    <message>
        <source>{start} with {activation}: {every}; {end}.</source>
        <translation>{start}搭配 {activation}：{every}；{end}。</translation>
    </message>
    <message>
        <source>{start}: no signal and no gradient get through.</source>
        <translation>{start}：信号和梯度都无法通过。</translation>
    </message>
    <message>
        <source>{start}: all units of a layer start alike, and stay alike.</source>
        <translation>{start}：同一层的所有单元起点相同，并且始终相同。</translation>
    </message>
    <message>
        <source>Normalization sets the size of the signal anew. How large the weights start still decides how far a step turns them.</source>
        <translation>归一化会重新确定信号的大小；但权重初始的大小仍决定每一步能把它们转动多少。</translation>
    </message>
    <message>
        <source>Normalization sets the size of the signal anew, but only where it stands. Within attention and other blocks, and in the first guesses, how large the weights start still counts.</source>
        <translation>归一化会重新设定信号的大小，但只在它所在之处。在注意力等模块内部，以及最初的预测里，初始权重的大小仍然起作用。</translation>
    </message>
    <message>
        <source>{start} measures the network and scales every layer to fit.</source>
        <translation>{start}会先测量网络，再把每一层缩放到合适的大小。</translation>
    </message>
    <message>
        <source>No forecast for this network. The plot “Signal by layer” shows what is measured.</source>
        <translation>无法对这个网络作出预测。实测结果见图“逐层信号”。</translation>
    </message>
    <message>
        <source>Use {start}</source>
        <translation>改用 {start}</translation>
    </message>
    <message>
        <source>The start that is recommended for this activation.</source>
        <translation>这种激活函数推荐的初始化方法。</translation>
    </message>
    <message>
        <source>Mean square of the activations, foretold from the standard deviation that the start aims at, the fan-in and E[φ(z)²]: {factor} a layer. The gradient&apos;s, backwards: {slope} a layer.</source>
        <translation>激活值的均方，由初始化的目标标准差、扇入和 E[φ(z)²] 预测：每层乘以 {factor}。梯度的均方往回每层乘以 {slope}。</translation>
    </message>
</context>
<context>
    <name>GaugesView</name>
    <message>
        <source>What the remedies do</source>
        <translation>补救方法的作用</translation>
    </message>
    <message>
        <source>A remedy that never acts changes nothing, and one that acts at every step hides a bad start: see how often each has to step in, and whether that ends.</source>
        <translation>从不起作用的补救方法等于没有，步步都要起作用的则掩盖了糟糕的初始化：看每种方法多久介入一次，以及是否渐渐不再需要。</translation>
    </message>
    <message>
        <source>No remedy of this run has anything to show.
Switch on gradient clipping, mixed precision or another remedy with a gauge, then press space.</source>
        <translation>本次运行没有可以显示的补救方法。
请启用梯度裁剪、混合精度或其他带指标的补救方法，然后按空格键。</translation>
    </message>
    <message>
        <source>Press space to play.
How often and how strongly each remedy acts appears here, step by step.</source>
        <translation>按空格键开始播放。
这里会逐步显示每种补救方法起作用的频率和强度。</translation>
    </message>
    <message>
        <source>{count} more where there is more room</source>
        <translation>窗口更大时还能显示 {count} 项</translation>
    </message>
</context>
<context>
    <name>GradNormBarsView</name>
    <message>
        <source>Gradient norm by layer</source>
        <translation>逐层梯度范数</translation>
    </message>
    <message>
        <source>Bars of equal height mean that every layer learns; bars that shrink towards layer 1 are a gradient that vanishes, bars that grow one that explodes.</source>
        <translation>柱子一样高，说明每一层都在学习；越靠近第 1 层越矮是梯度消失，越高是梯度爆炸。</translation>
    </message>
    <message>
        <source>Press space to play.
The gradient norm of every layer appears here as a bar, on a scale of powers of ten.</source>
        <translation>按空格键开始训练。
这里会用柱子显示每一层的梯度范数，刻度为 10 的幂。</translation>
    </message>
    <message>
        <source>layer</source>
        <translation>层</translation>
    </message>
    <message>
        <source>○ exactly 0</source>
        <translation>○ 恰好为 0</translation>
    </message>
    <message>
        <source>no gradient any more</source>
        <translation>已无梯度</translation>
    </message>
</context>
<context>
    <name>GradNormMapView</name>
    <message>
        <source>Gradient norm, layer by step</source>
        <translation>梯度范数（层 × 步）</translation>
    </message>
    <message>
        <source>An even colour from bottom to top is a start that lets every layer learn; grey layers get no gradient, and red ones far too much.</source>
        <translation>从下到上颜色均匀，说明初始化让每一层都能学习；灰色的层得不到梯度，红色的层梯度过大。</translation>
    </message>
    <message>
        <source>Press space to play.
The gradient of every layer appears here as a colour, step by step, layer 1 at the bottom.</source>
        <translation>按空格键开始训练。
这里会用颜色逐步显示每一层的梯度，第 1 层在最下面。</translation>
    </message>
    <message>
        <source>step</source>
        <translation>步</translation>
    </message>
    <message>
        <source>step {step}</source>
        <translation>第 {step} 步</translation>
    </message>
</context>
<context>
    <name>GradientsView</name>
    <message>
        <source>Gradients by layer</source>
        <translation>逐层梯度</translation>
    </message>
    <message>
        <source>Bells below one another learn at the same pace; bells that wander to the left towards layer 1 are a gradient that vanishes.</source>
        <translation>各层的钟形上下对齐，说明学习步调一致；越靠近第 1 层越往左偏，就是梯度消失。</translation>
    </message>
    <message>
        <source>Press space to play.
How large the gradients of each layer are appears here, in powers of ten, layer 1 at the bottom.</source>
        <translation>按空格键开始训练。
这里会以 10 的幂显示各层梯度的大小，第 1 层在最下面。</translation>
    </message>
    <message>
        <source>|gradient|</source>
        <translation>|梯度|</translation>
    </message>
</context>
<context>
    <name>HistogramView</name>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Ridge lines</source>
        <translation>山脊图</translation>
    </message>
    <message>
        <source>Heat map by layer</source>
        <translation>逐层热图</translation>
    </message>
    <message>
        <source>Over time</source>
        <translation>随时间</translation>
    </message>
    <message>
        <source>Ridge lines, a heat map by layer, or one layer over time</source>
        <translation>山脊图、逐层热图，或某一层随时间的变化</translation>
    </message>
    <message>
        <source>Layer shown over time</source>
        <translation>随时间显示的层</translation>
    </message>
</context>
<context>
    <name>IsometryView</name>
    <message>
        <source>Isometry: singular values</source>
        <translation>等距性：奇异值</translation>
    </message>
    <message>
        <source>A start keeps every direction alive where all singular values lie at 1: tall boxes, and above all a tall J, are directions that get lost or blown up on the way through the network.</source>
        <translation>若所有奇异值都在 1 附近，初始化就保住了每个方向；箱子很高（尤其是 J）说明有些方向在穿过网络时丢失或被放大。</translation>
    </message>
    <message>
        <source>Press space to play.
By how much each layer stretches and shrinks what passes appears here, and beside it what the whole network does.</source>
        <translation>按空格键开始。
这里将显示每一层把信号拉伸和压缩多少，旁边是整个网络的作用。</translation>
    </message>
    <message>
        <source>{name}: {rank} of {count} directions</source>
        <translation>{name}：{count} 个方向保住 {rank} 个</translation>
    </message>
    <message>
        <source>□ at the start  ■ now</source>
        <translation>□ 初始  ■ 现在</translation>
    </message>
    <message>
        <source>line at 1: ideal</source>
        <translation>1 处的线：理想值</translation>
    </message>
    <message>
        <source>J: from input to output</source>
        <translation>J：从输入到输出</translation>
    </message>
    <message>
        <source>H: from the first to the last hidden layer</source>
        <translation>H：从第一个到最后一个隐藏层</translation>
    </message>
    <message>
        <source>directions: effective rank</source>
        <translation>方向数：有效秩</translation>
    </message>
    <message>
        <source>layer</source>
        <translation>层</translation>
    </message>
    <message>
        <source>not computed</source>
        <translation>未计算</translation>
    </message>
</context>
<context>
    <name>KeyboardMap</name>
    <message>
        <source>Keyboard map</source>
        <translation>快捷键</translation>
    </message>
    <message>
        <source>The tab key walks through all buttons and fields; Alt and a letter open the menus.</source>
        <translation>按 Tab 键依次经过所有按钮和输入框；按 Alt 加字母键打开菜单。</translation>
    </message>
</context>
<context>
    <name>LandscapeView</name>
    <message>
        <source>Loss landscape</source>
        <translation>损失地形</translation>
    </message>
    <message>
        <source>How the loss changes when every filter is moved at random by up to its own length: a wide bowl around the mark is easy to train in, a flat plain gives no direction, and walls throw a step back.</source>
        <translation>把每个滤波器随机移动至多自身的长度，看损失如何变化：标记周围是宽阔的碗，就容易训练；平原不给出方向；陡壁会把一步弹回来。</translation>
    </message>
    <message>
        <source>Working it out…
The loss around the weights of every lane appears here.</source>
        <translation>正在计算……
每条赛道的权重周围的损失会显示在这里。</translation>
    </message>
    <message>
        <source>Press “Compute” above, before or after you press space to play.
The loss around the weights of every lane appears here; training goes on meanwhile.</source>
        <translation>点击上方的“计算”，在按空格键播放之前或之后都可以。
每条赛道的权重周围的损失会显示在这里，训练照常进行。</translation>
    </message>
    <message>
        <source>How far to move, in lengths of each filter</source>
        <translation>移动多远，以各滤波器的长度为单位</translation>
    </message>
    <message>
        <source>Progress of the loss landscape</source>
        <translation>损失地形的计算进度</translation>
    </message>
    <message>
        <source>How finely to look along two directions, or along one alone</source>
        <translation>沿两个方向看得多细，或只沿一个方向</translation>
    </message>
    <message>
        <source>line</source>
        <translation>直线</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Compute</source>
        <translation>计算</translation>
    </message>
    <message>
        <source>Give it up; training is not touched</source>
        <translation>放弃计算；不影响训练</translation>
    </message>
    <message>
        <source>Work out the loss around the weights as they are now; training goes on</source>
        <translation>计算当前权重周围的损失；训练照常进行</translation>
    </message>
    <message>
        <source>training loss of {examples} examples, weights of step {step}</source>
        <translation>{examples} 个样本的训练损失，第 {step} 步的权重</translation>
    </message>
    <message>
        <source>direction 1</source>
        <translation>方向 1</translation>
    </message>
    <message>
        <source>training loss</source>
        <translation>训练损失</translation>
    </message>
</context>
<context>
    <name>LaneCardDelegate</name>
    <message>
        <source>Name of the lane</source>
        <translation>赛道名称</translation>
    </message>
</context>
<context>
    <name>LaneText</name>
    <message>
        <source>bias: {start}</source>
        <translation>偏置：{start}</translation>
    </message>
    <message>
        <source>own list of {count} layers</source>
        <translation>自定义 {count} 层</translation>
    </message>
    <message>
        <source>seed {seed}</source>
        <translation>种子 {seed}</translation>
    </message>
    <message>
        <source>without {remedy}</source>
        <translation>不用“{remedy}”</translation>
    </message>
    <message>
        <source>ready</source>
        <translation>就绪</translation>
    </message>
    <message>
        <source>diverged</source>
        <translation>发散</translation>
    </message>
    <message>
        <source>diverged at step {step}</source>
        <translation>第 {step} 步发散</translation>
    </message>
    <message>
        <source>stopped at step {step}</source>
        <translation>第 {step} 步停止</translation>
    </message>
    <message>
        <source>worse than a constant</source>
        <translation>不如常数预测</translation>
    </message>
    <message>
        <source>stalled</source>
        <translation>停滞</translation>
    </message>
    <message>
        <source>just started</source>
        <translation>刚开始</translation>
    </message>
    <message>
        <source>learning</source>
        <translation>学习中</translation>
    </message>
    <message>
        <source>× {count} seeds</source>
        <translation>× {count} 个种子</translation>
    </message>
    <message>
        <source>learn</source>
        <translation>学习中</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>提前停止</translation>
    </message>
    <message>
        <source>all {all} {fare}</source>
        <translation>全部 {all} 条{fare}</translation>
    </message>
    <message>
        <source>{count} of {all} {fare}</source>
        <translation>{all} 条中 {count} 条{fare}</translation>
    </message>
    <message>
        <source>{count} {fare}</source>
        <translation>{count} 条{fare}</translation>
    </message>
</context>
<context>
    <name>LanesPanel</name>
    <message>
        <source>Colour {number}</source>
        <translation>颜色 {number}</translation>
    </message>
    <message>
        <source>Add lane</source>
        <translation>添加赛道</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>Show its curves</source>
        <translation>显示曲线</translation>
    </message>
    <message>
        <source>Hide its curves</source>
        <translation>隐藏曲线</translation>
    </message>
    <message>
        <source>Colour</source>
        <translation>颜色</translation>
    </message>
    <message>
        <source>Duplicate</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Choose another colour</source>
        <translation>选择其他颜色</translation>
    </message>
    <message>
        <source>Training loss, mean of {count} seeds: {loss}</source>
        <translation>训练损失（{count} 个种子的均值）：{loss}</translation>
    </message>
    <message>
        <source>Training loss: {loss}</source>
        <translation>训练损失：{loss}</translation>
    </message>
    <message>
        <source>Double click or F2 renames, drag or Alt+arrow moves.</source>
        <translation>双击或按 F2 重命名，拖动或按 Alt+方向键移动。</translation>
    </message>
    <message>
        <source>Ctrl+] adds a seed, Ctrl+[ takes one away.</source>
        <translation>Ctrl+] 增加一个种子，Ctrl+[ 减少一个。</translation>
    </message>
    <message>
        <source>{count} of {most}</source>
        <translation>{count} / {most}</translation>
    </message>
    <message>
        <source>Lanes that race, of the most that can; with their seeds, {count} networks of {most}</source>
        <translation>参赛的赛道数与上限；连同各自的种子共 {count} 个网络，上限 {most} 个</translation>
    </message>
    <message>
        <source>{most} lanes are the most that can race.</source>
        <translation>最多只能有 {most} 条赛道。</translation>
    </message>
    <message>
        <source>Add a lane (Insert)</source>
        <translation>添加赛道（Insert）</translation>
    </message>
    <message>
        <source>Duplicate the lane in focus (Ctrl+D)</source>
        <translation>复制当前赛道（Ctrl+D）</translation>
    </message>
    <message>
        <source>Remove the lane in focus (Delete)</source>
        <translation>删除当前赛道（Delete）</translation>
    </message>
    <message>
        <source>One lane at least must stay.</source>
        <translation>至少要保留一条赛道。</translation>
    </message>
    <message>
        <source>Lanes</source>
        <translation>赛道</translation>
    </message>
    <message>
        <source>Duplicate lane</source>
        <translation>复制赛道</translation>
    </message>
    <message>
        <source>Remove lane</source>
        <translation>删除赛道</translation>
    </message>
</context>
<context>
    <name>LearningRateView</name>
    <message>
        <source>Learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <source>How far each step goes: see whether the loss falls faster, or more calmly, where the schedule changes it.</source>
        <translation>每一步走多远：看学习率变化时，损失是否下降得更快或更平稳。</translation>
    </message>
    <message>
        <source>Press space to play.
The learning rate appears here as the schedule changes it, step by step.</source>
        <translation>按空格键开始训练。
这里会逐步显示学习率随调度的变化。</translation>
    </message>
    <message>
        <source>all lanes</source>
        <translation>所有赛道</translation>
    </message>
    <message>
        <source>learning rate</source>
        <translation>学习率</translation>
    </message>
</context>
<context>
    <name>LessonPanel</name>
    <message>
        <source>## Your own experiment

Press the space bar and compare the lanes. Scenarios with a lesson are in the menu at the top left.</source>
        <translation>## 自己的实验

按空格键，比较各条赛道。带讲解的场景在左上角的菜单里。</translation>
    </message>
    <message>
        <source>Lesson</source>
        <translation>讲解</translation>
    </message>
    <message>
        <source>Fold the lesson (F4)</source>
        <translation>收起讲解（F4）</translation>
    </message>
    <message>
        <source>Fold the lesson</source>
        <translation>收起讲解</translation>
    </message>
    <message>
        <source>Layer</source>
        <translation>层</translation>
    </message>
    <message>
        <source>std aimed at</source>
        <translation>目标标准差</translation>
    </message>
    <message>
        <source>std drawn</source>
        <translation>实际标准差</translation>
    </message>
    <message>
        <source>Layers with weights, from the input</source>
        <translation>有权重的层，从输入端开始</translation>
    </message>
    <message>
        <source>Standard deviation that the formula gives for this layer</source>
        <translation>公式为这一层给出的标准差</translation>
    </message>
    <message>
        <source>Standard deviation of the numbers that were drawn</source>
        <translation>实际抽取的数的标准差</translation>
    </message>
</context>
<context>
    <name>LessonStrip</name>
    <message>
        <source>Lesson</source>
        <translation>讲解</translation>
    </message>
    <message>
        <source>Show the lesson (F4)</source>
        <translation>展开讲解（F4）</translation>
    </message>
    <message>
        <source>Show the lesson</source>
        <translation>展开讲解</translation>
    </message>
</context>
<context>
    <name>LossView</name>
    <message>
        <source>Loss and accuracy</source>
        <translation>损失与准确率</translation>
    </message>
    <message>
        <source>Press space to play.
The loss of every lane appears here, step by step: training thin, validation thick.</source>
        <translation>按空格键开始训练。
这里会逐步显示每条赛道的损失：细线为训练，粗线为验证。</translation>
    </message>
    <message>
        <source>Both</source>
        <translation>两者</translation>
    </message>
    <message>
        <source>Loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>Accuracy</source>
        <translation>准确率</translation>
    </message>
    <message>
        <source>Show loss, accuracy or both</source>
        <translation>显示损失、准确率或两者</translation>
    </message>
    <message>
        <source>Min–max</source>
        <translation>最小–最大</translation>
    </message>
    <message>
        <source>Quartiles</source>
        <translation>四分位</translation>
    </message>
    <message>
        <source>Std</source>
        <translation>标准差</translation>
    </message>
    <message>
        <source>Band around the mean of a lane&apos;s seeds: from the least to the largest, the middle half of them, or one standard deviation to both sides</source>
        <translation>赛道各种子均值周围的带：从最小到最大、中间一半，或两侧各一个标准差</translation>
    </message>
    <message>
        <source>best constant prediction</source>
        <translation>最佳常数预测</translation>
    </message>
    <message>
        <source>{lines}, seeds as band</source>
        <translation>{lines}，各种子为带</translation>
    </message>
    <message>
        <source>train / snapshots / validation</source>
        <translation>训练 / 快照 / 验证</translation>
    </message>
    <message>
        <source>min – max</source>
        <translation>最小 – 最大</translation>
    </message>
    <message>
        <source>quartiles</source>
        <translation>四分位</translation>
    </message>
    <message>
        <source>± std</source>
        <translation>± 标准差</translation>
    </message>
    <message>
        <source>loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>validation thick, averaged weights double</source>
        <translation>细线训练，粗线验证，双线平均权重</translation>
    </message>
    <message>
        <source>validation thick, snapshots double</source>
        <translation>细线训练，粗线验证，双线快照</translation>
    </message>
    <message>
        <source>validation thick, averages double</source>
        <translation>细线训练，粗线验证，双线平均</translation>
    </message>
    <message>
        <source>train / averaged / validation</source>
        <translation>训练 / 平均 / 验证</translation>
    </message>
    <message>
        <source>train / validation</source>
        <translation>训练 / 验证</translation>
    </message>
    <message>
        <source>accuracy</source>
        <translation>准确率</translation>
    </message>
    <message>
        <source>A good start falls at once and steadily; a line that stays on the dashed one has learned nothing. ✕ marks where a lane diverged, a bar where it was stopped, with a ring at its best step.</source>
        <translation>好的初始化会立刻稳步下降；停在虚线上的曲线什么也没学到。✕ 标出发散之处，竖条标出提前停止之处，圆环是其最佳的一步。</translation>
    </message>
    <message>
        <source>training thin, validation thick</source>
        <translation>细线训练，粗线验证</translation>
    </message>
    <message>
        <source>training</source>
        <translation>训练</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>choice of device</source>
        <translation>选择设备</translation>
    </message>
</context>
<context>
    <name>MarkDots</name>
    <message>
        <source>Differs in: {names}. Click to end the difference.</source>
        <translation>取值不同的赛道：{names}。点击可消除差异。</translation>
    </message>
</context>
<context>
    <name>Menus</name>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>Open &amp;recent</source>
        <translation>最近打开(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>编辑(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Run</source>
        <translation>运行(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Layout</source>
        <translation>布局(&amp;L)</translation>
    </message>
    <message>
        <source>Pl&amp;ots</source>
        <translation>图表(&amp;O)</translation>
    </message>
    <message>
        <source>&amp;Theme</source>
        <translation>主题(&amp;T)</translation>
    </message>
    <message>
        <source>Langua&amp;ge</source>
        <translation>语言(&amp;G)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
</context>
<context>
    <name>MessageBar</name>
    <message>
        <source>Close this message (Esc)</source>
        <translation>关闭此消息（Esc）</translation>
    </message>
    <message>
        <source>Close message</source>
        <translation>关闭消息</translation>
    </message>
</context>
<context>
    <name>NetworkList</name>
    <message>
        <source>Output</source>
        <translation>输出层</translation>
    </message>
    <message>
        <source>shares weights with {layer}, turned; they count once</source>
        <translation>与 {layer} 共享权重（转置），只计一次</translation>
    </message>
    <message>
        <source>shares weights with {layer}; they count once</source>
        <translation>与 {layer} 共享权重，只计一次</translation>
    </message>
    <message>
        <source>shape</source>
        <translation>形状</translation>
    </message>
    <message>
        <source>params</source>
        <translation>参数</translation>
    </message>
    <message>
        <source>memory</source>
        <translation>内存</translation>
    </message>
</context>
<context>
    <name>NetworkListModel</name>
    <message>
        <source>gives {shape}</source>
        <translation>输出{shape}</translation>
    </message>
    <message>
        <source>{count} parameters</source>
        <translation>{count} 个参数</translation>
    </message>
    <message>
        <source>{size} of memory while training</source>
        <translation>训练时占用内存 {size}</translation>
    </message>
</context>
<context>
    <name>NetworkPanel</name>
    <message>
        <source>Network</source>
        <translation>网络</translation>
    </message>
    <message>
        <source>{count} layers</source>
        <translation>{count} 层</translation>
    </message>
    <message>
        <source>This network can be trained now.</source>
        <translation>现在可以训练这个网络了。</translation>
    </message>
    <message>
        <source>This network cannot be trained yet. The last one that can runs on.</source>
        <translation>这个网络还不能训练。上一个能训练的网络继续运行。</translation>
    </message>
    <message>
        <source>Layer {number}: {title}</source>
        <translation>第 {number} 层：{title}</translation>
    </message>
    <message>
        <source>Quick form</source>
        <translation>快速设置</translation>
    </message>
    <message>
        <source>Train this network</source>
        <translation>训练这个网络</translation>
    </message>
    <message>
        <source>Go back to the one that runs</source>
        <translation>恢复正在运行的网络</translation>
    </message>
    <message>
        <source>Edit layer by layer</source>
        <translation>逐层编辑</translation>
    </message>
    <message>
        <source>Spell the quick form out as a list of layers.</source>
        <translation>把快速设置展开成层的列表。</translation>
    </message>
    <message>
        <source>Put a quick form in place of this list.</source>
        <translation>用快速设置取代这个列表。</translation>
    </message>
    <message>
        <source>Train the edited network</source>
        <translation>训练修改后的网络</translation>
    </message>
    <message>
        <source>Go back to the network that runs</source>
        <translation>恢复正在运行的网络</translation>
    </message>
    <message>
        <source>Add layer: {kind}</source>
        <translation>添加层：{kind}</translation>
    </message>
    <message>
        <source>Duplicate layer {number}</source>
        <translation>复制第 {number} 层</translation>
    </message>
    <message>
        <source>Remove layer {number}</source>
        <translation>删除第 {number} 层</translation>
    </message>
    <message>
        <source>Move layer {number} to place {target}</source>
        <translation>将第 {number} 层移到第 {target} 位</translation>
    </message>
    <message>
        <source>Change {name} of layer {number} to {value}</source>
        <translation>将第 {number} 层的“{name}”改为 {value}</translation>
    </message>
    <message>
        <source>Start layer {number} with {part}</source>
        <translation>第 {number} 层改用“{part}”初始化</translation>
    </message>
    <message>
        <source>Start layer {number} as the network</source>
        <translation>第 {number} 层沿用网络的初始化</translation>
    </message>
    <message>
        <source>Change {name} of the start of layer {number} to {value}</source>
        <translation>将第 {number} 层初始化的“{name}”改为 {value}</translation>
    </message>
    <message>
        <source>Share the weights of {layer} with layer {number}</source>
        <translation>让第 {number} 层共享 {layer} 的权重</translation>
    </message>
    <message>
        <source>Give layer {number} its own weights</source>
        <translation>让第 {number} 层使用自己的权重</translation>
    </message>
    <message>
        <source>Use the quick form {part}</source>
        <translation>改用快速设置“{part}”</translation>
    </message>
</context>
<context>
    <name>NetworkView</name>
    <message>
        <source>Layers</source>
        <translation>层</translation>
    </message>
    <message>
        <source>Add a layer below the chosen one (Insert)</source>
        <translation>在所选层之后添加一层（Insert）</translation>
    </message>
    <message>
        <source>Add layer</source>
        <translation>添加层</translation>
    </message>
    <message>
        <source>Duplicate the chosen layer (Ctrl+D)</source>
        <translation>复制所选层（Ctrl+D）</translation>
    </message>
    <message>
        <source>Duplicate layer</source>
        <translation>复制层</translation>
    </message>
    <message>
        <source>Remove the chosen layer (Delete)</source>
        <translation>删除所选层（Delete）</translation>
    </message>
    <message>
        <source>Remove layer</source>
        <translation>删除层</translation>
    </message>
    <message>
        <source>{layers} layers · {parameters} parameters · {memory}</source>
        <translation>{layers} 层 · {parameters} 个参数 · {memory}</translation>
    </message>
    <message>
        <source>{layers} layers that do not fit together</source>
        <translation>{layers} 层，无法相互衔接</translation>
    </message>
    <message>
        <source>Add layer…</source>
        <translation>添加层…</translation>
    </message>
    <message>
        <source>Duplicate</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>删除</translation>
    </message>
</context>
<context>
    <name>NumberRow</name>
    <message>
        <source>{name}, slider</source>
        <translation>{name}，滑块</translation>
    </message>
</context>
<context>
    <name>OwnNote</name>
    <message>
        <source>Only this lane.</source>
        <translation>仅此赛道。</translation>
    </message>
    <message>
        <source>Same as all again</source>
        <translation>恢复相同</translation>
    </message>
    <message numerus="yes">
        <source>%n of {count} lanes differ.</source>
        <translation>
            <numerusform>{count} 条赛道中有 %n 条不同。</numerusform>
        </translation>
    </message>
    <message>
        <source>Same for all</source>
        <translation>全部统一</translation>
    </message>
    <message>
        <source>Make lanes the same again</source>
        <translation>让各赛道重新一致</translation>
    </message>
</context>
<context>
    <name>ParameterRow</name>
    <message>
        <source>steps</source>
        <translation>步</translation>
    </message>
    <message>
        <source>epochs</source>
        <translation>轮</translation>
    </message>
    <message>
        <source>px</source>
        <translation>像素</translation>
    </message>
    <message>
        <source>{title} ({unit})</source>
        <translation>{title}（{unit}）</translation>
    </message>
    <message>
        <source>Back to the default: {value}</source>
        <translation>恢复默认值：{value}</translation>
    </message>
    <message>
        <source>Reset {name}</source>
        <translation>重置“{name}”</translation>
    </message>
    <message>
        <source>automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Range: {range}</source>
        <translation>范围：{range}</translation>
    </message>
    <message>
        <source>Default: {value}</source>
        <translation>默认值：{value}</translation>
    </message>
    <message>
        <source>In files: {key}</source>
        <translation>文件中的键：{key}</translation>
    </message>
    <message>
        <source>End the difference between lanes…</source>
        <translation>消除赛道之间的差异…</translation>
    </message>
</context>
<context>
    <name>PartEditor</name>
    <message>
        <source>Choose {part}</source>
        <translation>选择“{part}”</translation>
    </message>
    <message>
        <source>Reset {name}</source>
        <translation>重置“{name}”</translation>
    </message>
    <message>
        <source>Make lanes the same again</source>
        <translation>让各赛道重新一致</translation>
    </message>
    <message>
        <source>Change {name} to {value}</source>
        <translation>将“{name}”改为 {value}</translation>
    </message>
    <message>
        <source>{lane}: same as all lanes again</source>
        <translation>{lane}：恢复与所有赛道相同</translation>
    </message>
    <message>
        <source>All lanes the same</source>
        <translation>让所有赛道相同</translation>
    </message>
</context>
<context>
    <name>PathRow</name>
    <message>
        <source>the example</source>
        <translation>自带示例</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Choose a file, or drop one here</source>
        <translation>选择文件，或拖放到这里</translation>
    </message>
    <message>
        <source>Choose a file: {name}</source>
        <translation>选择文件：{name}</translation>
    </message>
    <message>
        <source>Choose a file</source>
        <translation>选择文件</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>所有文件 (*)</translation>
    </message>
    <message>
        <source>Examples ({patterns})</source>
        <translation>样本文件 ({patterns})</translation>
    </message>
</context>
<context>
    <name>PhaseDiagramView</name>
    <message>
        <source>Phase diagram</source>
        <translation>相图</translation>
    </message>
    <message>
        <source>Deep networks learn from starts near the critical line: on the ordered side gradients vanish, on the chaotic side they explode, and ξ tells over how many layers. Drag the point of the lane in focus, or move it with the arrow keys.</source>
        <translation>深层网络能从临界线附近的初始化学起：在有序一侧梯度消失，在混沌一侧梯度爆炸，ξ 说明这要经过多少层。可以拖动当前赛道的点，也可以用方向键移动。</translation>
    </message>
    <message>
        <source>Theory has no phase diagram for these networks.</source>
        <translation>对这些网络，理论给不出相图。</translation>
    </message>
    <message>
        <source>It takes hidden layers that are alike. Press space to play all the same.</source>
        <translation>相图要求各隐藏层相同。仍可按空格键开始训练。</translation>
    </message>
    <message>
        <source>Press space to play.
Whether each start lies in the ordered or in the chaotic phase appears here, and how far from the critical line.</source>
        <translation>按空格键开始。
这里会显示每种初始化处于有序相还是混沌相，以及离临界线有多远。</translation>
    </message>
    <message>
        <source>{activation} treats signals of every size alike: only at σ_w = {value} with σ_b = 0 does a signal keep its size, whatever that is.</source>
        <translation>{activation} 对任何大小的信号一视同仁：只有 σ_w = {value} 且 σ_b = 0 时，信号才保持其大小，无论是多大。</translation>
    </message>
    <message>
        <source>Dropout keeps ξ finite everywhere: on the line gradients keep their size, but equal examples part.</source>
        <translation>有 Dropout 时 ξ 处处有限：在这条线上梯度保持大小，但相同的样本会分开。</translation>
    </message>
    <message>
        <source>Hollow points have another activation: {names}.</source>
        <translation>空心点使用另一种激活函数：{names}。</translation>
    </message>
    <message>
        <source>{activation} with {rate} dropout</source>
        <translation>{activation}，随机失活率 {rate}</translation>
    </message>
    <message>
        <source>std of biases, σ_b</source>
        <translation>偏置的标准差 σ_b</translation>
    </message>
    <message>
        <source>drag the ringed point</source>
        <translation>拖动带圈的点</translation>
    </message>
    <message>
        <source>weights, σ_w = std × √fan-in</source>
        <translation>权重 σ_w = 标准差 × √扇入</translation>
    </message>
    <message>
        <source>ξ = {depth} layers</source>
        <translation>ξ = {depth} 层</translation>
    </message>
    <message>
        <source>not known yet</source>
        <translation>尚未算出</translation>
    </message>
    <message>
        <source>{depth} layers</source>
        <translation>{depth} 层</translation>
    </message>
    <message>
        <source>the signal grows without bound</source>
        <translation>信号无限增大</translation>
    </message>
    <message>
        <source>gradient a layer, χ</source>
        <translation>每层的梯度倍数 χ</translation>
    </message>
    <message>
        <source>depth scale ξ</source>
        <translation>深度尺度 ξ</translation>
    </message>
    <message>
        <source>critical</source>
        <translation>临界</translation>
    </message>
    <message>
        <source>ordered</source>
        <translation>有序</translation>
    </message>
    <message>
        <source>gradients vanish, examples become alike</source>
        <translation>梯度消失，样本变得相似</translation>
    </message>
    <message>
        <source>exploding</source>
        <translation>爆炸</translation>
    </message>
    <message>
        <source>chaotic</source>
        <translation>混沌</translation>
    </message>
    <message>
        <source>signal and gradients grow without bound</source>
        <translation>信号与梯度无限增大</translation>
    </message>
    <message>
        <source>gradients explode, alike examples part</source>
        <translation>梯度爆炸，相似的样本分道扬镳</translation>
    </message>
</context>
<context>
    <name>QAbstractFileIconProvider</name>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>Drive</source>
        <translation>驱动器</translation>
    </message>
    <message>
        <source>File</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Unknown</source>
        <translation>未知</translation>
    </message>
</context>
<context>
    <name>QFileDialog</name>
    <message>
        <source>&amp;Look in:</source>
        <translation>查找范围(&amp;L)：</translation>
    </message>
    <message>
        <source>Files of &amp;type:</source>
        <translation>文件类型(&amp;T)：</translation>
    </message>
</context>
<context>
    <name>RateRangeView</name>
    <message>
        <source>Learning-rate range test</source>
        <translation>学习率范围测试</translation>
    </message>
    <message>
        <source>The loss falls where the learning rate suits and climbs where it is too large: take the rate at the dot, where the loss falls fastest, and compare which start bears the largest.</source>
        <translation>学习率合适时损失下降，过大时上升：请取圆点处、损失下降最快的学习率，并比较哪种初始化能承受最大的学习率。</translation>
    </message>
    <message>
        <source>The learning rate of this run does not rise all the way.
Choose the schedule for a learning-rate range test, then press space: the loss is drawn against the rate, and a rate suggested.</source>
        <translation>本次运行的学习率并非一路上升。
请把学习率调度选为学习率范围测试，然后按空格键：这里会画出损失随学习率的变化，并给出建议。</translation>
    </message>
    <message>
        <source>Press space to play.
The loss of every lane appears here against the learning rate, and the rate at which it falls fastest.</source>
        <translation>按空格键开始播放。
这里会显示各赛道的损失随学习率的变化，以及下降最快处的学习率。</translation>
    </message>
    <message>
        <source>no fall</source>
        <translation>没有下降</translation>
    </message>
    <message>
        <source>training loss, smoothed</source>
        <translation>训练损失（平滑）</translation>
    </message>
    <message>
        <source>learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <source>● suggested rate: the steepest fall</source>
        <translation>● 建议的学习率：下降最陡处</translation>
    </message>
    <message>
        <source>learning rate {rate}</source>
        <translation>学习率 {rate}</translation>
    </message>
</context>
<context>
    <name>RateSearch</name>
    <message>
        <source>Range test: {name}</source>
        <translation>学习率测试：{name}</translation>
    </message>
    <message>
        <source>Find a learning rate</source>
        <translation>寻找学习率</translation>
    </message>
    <message>
        <source>Use the learning rate {rate}</source>
        <translation>采用学习率 {rate}</translation>
    </message>
    <message>
        <source>Go back to the experiment</source>
        <translation>回到实验</translation>
    </message>
</context>
<context>
    <name>RemediesPanel</name>
    <message>
        <source>Remedies</source>
        <translation>补救方法</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>Find a remedy</source>
        <translation>查找补救方法</translation>
    </message>
    <message>
        <source>Shows only what has these words in its name or description.</source>
        <translation>只显示名称或说明中含有这些词的项目。</translation>
    </message>
    <message>
        <source>No remedy has these words in its name or description.</source>
        <translation>没有补救方法的名称或说明含有这些词。</translation>
    </message>
    <message>
        <source>Switch on {part}</source>
        <translation>启用{part}</translation>
    </message>
    <message>
        <source>Switch off {part}</source>
        <translation>关闭{part}</translation>
    </message>
    <message>
        <source>{part}: {edit}</source>
        <translation>{part}：{edit}</translation>
    </message>
    <message>
        <source>Reset {name}</source>
        <translation>重置“{name}”</translation>
    </message>
    <message>
        <source>Make lanes the same again</source>
        <translation>让各赛道重新一致</translation>
    </message>
</context>
<context>
    <name>RemedyRow</name>
    <message>
        <source>In files: {key}</source>
        <translation>文件中的键：{key}</translation>
    </message>
</context>
<context>
    <name>SchedulePreview</name>
    <message>
        <source>Learning rate over the run</source>
        <translation>整个训练过程的学习率</translation>
    </message>
    <message>
        <source>from {first}, then it follows the loss</source>
        <translation>从 {first} 开始，之后随损失变化</translation>
    </message>
    <message>
        <source>from {first} to {last}</source>
        <translation>从 {first} 到 {last}</translation>
    </message>
    <message>
        <source>learning rate, {top} at first, then follows the loss</source>
        <translation>学习率，起初 {top}，之后随损失变化</translation>
    </message>
    <message>
        <source>learning rate, up to {top}, by decades</source>
        <translation>学习率，最大 {top}，对数刻度</translation>
    </message>
    <message>
        <source>learning rate, {top} at most</source>
        <translation>学习率，最大 {top}</translation>
    </message>
    <message>
        <source>{steps} steps</source>
        <translation>{steps} 步</translation>
    </message>
    <message>
        <source>step {step}: {rate}</source>
        <translation>第 {step} 步：{rate}</translation>
    </message>
</context>
<context>
    <name>Scope</name>
    <message>
        <source>{edit} ({lane})</source>
        <translation>{edit}（{lane}）</translation>
    </message>
</context>
<context>
    <name>ScopeSwitch</name>
    <message>
        <source>Only {lane}</source>
        <translation>仅 {lane}</translation>
    </message>
    <message>
        <source>All lanes</source>
        <translation>所有赛道</translation>
    </message>
    <message>
        <source>What you change below holds for every lane that has nothing of its own.</source>
        <translation>下面的修改适用于所有没有单独设置的赛道。</translation>
    </message>
    <message>
        <source>What you change below holds for the lane in focus only: {lane}.</source>
        <translation>下面的修改只适用于当前赛道：{lane}。</translation>
    </message>
</context>
<context>
    <name>SeedsMenu</name>
    <message>
        <source>Seeds</source>
        <translation>种子数</translation>
    </message>
    <message>
        <source>1 seed: a single draw</source>
        <translation>1 个种子：只抽一次</translation>
    </message>
    <message>
        <source>{count} seeds</source>
        <translation>{count} 个种子</translation>
    </message>
    <message>
        <source>Train the lane once a seed and draw their mean and a band, so that no single draw misleads</source>
        <translation>每个种子各训练一遍这条赛道，画出均值和一条带，以免被单次抽取误导</translation>
    </message>
    <message>
        <source>More networks than can race: each seed of a lane counts as one</source>
        <translation>超过了可参赛的网络数：赛道的每个种子算一个</translation>
    </message>
    <message>
        <source>Another number…</source>
        <translation>其他数目…</translation>
    </message>
    <message>
        <source>Number of seeds, 1 to {most}</source>
        <translation>种子数，1 到 {most}</translation>
    </message>
</context>
<context>
    <name>Session</name>
    <message>
        <source>Lane {number}</source>
        <translation>赛道 {number}</translation>
    </message>
    <message>
        <source>Add lane</source>
        <translation>添加赛道</translation>
    </message>
    <message>
        <source>Duplicate lane</source>
        <translation>复制赛道</translation>
    </message>
    <message>
        <source>Remove lane</source>
        <translation>删除赛道</translation>
    </message>
    <message>
        <source>Move lane</source>
        <translation>移动赛道</translation>
    </message>
    <message>
        <source>Rename lane</source>
        <translation>重命名赛道</translation>
    </message>
    <message>
        <source>Recolour lane</source>
        <translation>更改赛道颜色</translation>
    </message>
    <message>
        <source>Set number of seeds</source>
        <translation>设置种子数</translation>
    </message>
</context>
<context>
    <name>Shapes</name>
    <message>
        <source>a sequence of {steps} steps with {numbers} numbers each</source>
        <translation>长 {steps} 步的序列，每步 {numbers} 个数</translation>
    </message>
    <message>
        <source>an image of {height} × {width} in {channels} channels</source>
        <translation>{height} × {width} 的图像，{channels} 个通道</translation>
    </message>
    <message>
        <source>{numbers} numbers</source>
        <translation>{numbers} 个数</translation>
    </message>
</context>
<context>
    <name>SignalView</name>
    <message>
        <source>Signal by layer</source>
        <translation>逐层信号</translation>
    </message>
    <message>
        <source>A good start keeps both curves level: where one falls or climbs layer by layer, the signal or the gradient vanishes or explodes with depth. The line is what theory foretells of the start; 95 of 100 draws at this width should lie in the band around it.</source>
        <translation>好的初始化让两条曲线保持水平：若逐层下降或上升，信号或梯度就会随深度消失或爆炸。细线是理论对初始状态的预测；在这个宽度下，100 次抽取中应有 95 次落在线周围的带内。</translation>
    </message>
    <message>
        <source>Press space to play.
How strong the signal is in each layer appears here: forward on its way in, and the gradient on its way back.</source>
        <translation>按空格键开始训练。
这里会显示各层信号的强弱：前向的信号，以及返回途中的梯度。</translation>
    </message>
    <message>
        <source>forward signal, E[z²]</source>
        <translation>前向信号 E[z²]</translation>
    </message>
    <message>
        <source>backward gradient, E[(∂C/∂z)²]</source>
        <translation>反向梯度 E[(∂C/∂z)²]</translation>
    </message>
    <message>
        <source>○ at the start  ● now</source>
        <translation>○ 初始  ● 当前</translation>
    </message>
    <message>
        <source>— theory, before the first step</source>
        <translation>— 理论，第一步之前</translation>
    </message>
    <message>
        <source>— theory</source>
        <translation>— 理论</translation>
    </message>
    <message>
        <source>○ at the start  ● now  — theory</source>
        <translation>○ 初始  ● 当前  — 理论</translation>
    </message>
    <message>
        <source>○● measured  — theory</source>
        <translation>○● 实测  — 理论</translation>
    </message>
    <message>
        <source>theory {value}</source>
        <translation>理论 {value}</translation>
    </message>
    <message>
        <source>layer</source>
        <translation>层</translation>
    </message>
</context>
<context>
    <name>StageStrip</name>
    <message>
        <source>Teacher</source>
        <translation>教师</translation>
    </message>
    <message>
        <source>Pretraining</source>
        <translation>预训练</translation>
    </message>
    <message>
        <source>stage {number} of {count}</source>
        <translation>第 {number} 阶段，共 {count} 个</translation>
    </message>
    <message>
        <source>skipping…</source>
        <translation>正在跳过…</translation>
    </message>
    <message>
        <source>loading its data…</source>
        <translation>正在加载数据…</translation>
    </message>
    <message>
        <source>step {step} of {total}</source>
        <translation>第 {step} 步，共 {total} 步</translation>
    </message>
    <message>
        <source>validation accuracy {percent} %</source>
        <translation>验证准确率 {percent} %</translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation>剩余 {time}</translation>
    </message>
    <message>
        <source>Stage before the lanes</source>
        <translation>赛道之前的阶段</translation>
    </message>
    <message>
        <source>Progress of the stage</source>
        <translation>阶段的进度</translation>
    </message>
    <message>
        <source>How much of the stage is done; the lanes start when all stages are</source>
        <translation>此阶段完成了多少；所有阶段完成后赛道才开始</translation>
    </message>
    <message>
        <source>training loss</source>
        <translation>训练损失</translation>
    </message>
    <message>
        <source>validation loss</source>
        <translation>验证损失</translation>
    </message>
    <message>
        <source>Loss of the stage</source>
        <translation>阶段的损失</translation>
    </message>
    <message>
        <source>Loss by step on a logarithmic axis: thin on the batches, thick on the examples held back</source>
        <translation>各步的损失（对数轴）：细线为批次，粗线为留出样本</translation>
    </message>
    <message>
        <source>Skip</source>
        <translation>跳过</translation>
    </message>
    <message>
        <source>Go on with the weights that the stage has by now. They are not kept: a reset trains it whole.</source>
        <translation>用此阶段目前的权重继续。这些权重不会保留：重置后会完整训练此阶段。</translation>
    </message>
    <message>
        <source>Skip the rest of this stage</source>
        <translation>跳过此阶段的剩余部分</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Start no lane. Stages that are done are kept; play or reset trains this one again.</source>
        <translation>不启动任何赛道。已完成的阶段会保留；按“播放”或“重置”会重新训练此阶段。</translation>
    </message>
    <message>
        <source>Cancel the stages</source>
        <translation>取消各阶段</translation>
    </message>
</context>
<context>
    <name>StartChooser</name>
    <message>
        <source>Its weights start</source>
        <translation>权重初始化</translation>
    </message>
    <message>
        <source>Its biases start</source>
        <translation>偏置初始化</translation>
    </message>
    <message>
        <source>as in the whole network</source>
        <translation>与整个网络相同</translation>
    </message>
    <message>
        <source>The choice of the panel “Start” holds here.</source>
        <translation>此处沿用“初始化”面板中的选择。</translation>
    </message>
</context>
<context>
    <name>StartDesk</name>
    <message>
        <source>Start {lane} from σ_w = {sigma_w}</source>
        <translation>让“{lane}”以 σ_w = {sigma_w} 为初始化</translation>
    </message>
    <message>
        <source>Start {lane} from σ_w = {sigma_w}, σ_b = {sigma_b}</source>
        <translation>将“{lane}”的初始化设为 σ_w = {sigma_w}，σ_b = {sigma_b}</translation>
    </message>
</context>
<context>
    <name>StartFacts</name>
    <message>
        <source>Layer</source>
        <translation>层</translation>
    </message>
    <message>
        <source>fan-in</source>
        <translation>扇入</translation>
    </message>
    <message>
        <source>Inputs that feed one unit.</source>
        <translation>一个神经元的输入个数。</translation>
    </message>
    <message>
        <source>fan-out</source>
        <translation>扇出</translation>
    </message>
    <message>
        <source>Units that one input feeds.</source>
        <translation>一个输入所连的神经元个数。</translation>
    </message>
    <message>
        <source>gain</source>
        <translation>增益</translation>
    </message>
    <message>
        <source>Factor by which the start makes up for the activation.</source>
        <translation>初始化用来补偿激活函数的系数。</translation>
    </message>
    <message>
        <source>std aimed at</source>
        <translation>目标标准差</translation>
    </message>
    <message>
        <source>Standard deviation that the formula gives here.</source>
        <translation>公式在这一层给出的标准差。</translation>
    </message>
    <message>
        <source>std drawn</source>
        <translation>实际标准差</translation>
    </message>
    <message>
        <source>Standard deviation of the numbers that were drawn.</source>
        <translation>实际抽取的数的标准差。</translation>
    </message>
</context>
<context>
    <name>StartPanel</name>
    <message>
        <source>Start</source>
        <translation>初始化</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>权重</translation>
    </message>
    <message>
        <source>Biases</source>
        <translation>偏置</translation>
    </message>
    <message>
        <source>Start with {part}</source>
        <translation>用{part}初始化</translation>
    </message>
    <message>
        <source>{edit} ({lane})</source>
        <translation>{edit}（{lane}）</translation>
    </message>
</context>
<context>
    <name>StepView</name>
    <message>
        <source>step</source>
        <translation>步</translation>
    </message>
    <message>
        <source>step {step}</source>
        <translation>第 {step} 步</translation>
    </message>
    <message>
        <source>Show the whole run</source>
        <translation>显示整个训练过程</translation>
    </message>
    <message>
        <source>Ctrl and the wheel zoom, dragging moves, a double click resets</source>
        <translation>按住 Ctrl 滚动滚轮可缩放，拖动可平移，双击可还原</translation>
    </message>
</context>
<context>
    <name>StudyHistoryView</name>
    <message>
        <source>History</source>
        <translation>历程</translation>
    </message>
    <message>
        <source>A dot is a trial, a ring one that was given up early, a cross one that broke; the line is the best so far: where it lies flat for long, more trials bring little.</source>
        <translation>圆点是一次试验，圆环是提前放弃的试验，叉是崩溃的试验；折线是目前的最好成绩：若它长时间保持水平，再多的试验也收获不大。</translation>
    </message>
    <message>
        <source>trial</source>
        <translation>试验</translation>
    </message>
</context>
<context>
    <name>StudyParallelView</name>
    <message>
        <source>Parallel coordinates</source>
        <translation>平行坐标</translation>
    </message>
    <message>
        <source>A line is a trial: follow the strong ones, which are the best, and see through which value of each field they all pass; where they spread, the field matters little.</source>
        <translation>一条线是一次试验：颜色最深的是最好的几次，看它们都经过每个字段的哪个值；若它们散开，该字段就无关紧要。</translation>
    </message>
</context>
<context>
    <name>StudySlicesView</name>
    <message>
        <source>Slices</source>
        <translation>切片</translation>
    </message>
    <message>
        <source>The score against one field at a time: a clear slope or step means that this field decides, a cloud without shape that it does not.</source>
        <translation>成绩与单个字段的关系：明显的斜坡或台阶表示该字段起决定作用，没有形状的点云表示它不起作用。</translation>
    </message>
</context>
<context>
    <name>StudyView</name>
    <message>
        <source>validation loss</source>
        <translation>验证损失</translation>
    </message>
    <message>
        <source>validation accuracy</source>
        <translation>验证准确率</translation>
    </message>
    <message>
        <source>training loss</source>
        <translation>训练损失</translation>
    </message>
    <message>
        <source>Press “Start search”.
Every finished trial appears here.</source>
        <translation>点击“开始搜索”。
每次完成的试验都会显示在这里。</translation>
    </message>
    <message>
        <source>Add fields to search on the left, then press “Start search”.
Every finished trial appears here.</source>
        <translation>在左侧添加要搜索的字段，然后点击“开始搜索”。
每次完成的试验都会显示在这里。</translation>
    </message>
    <message>
        <source>Trial {number}</source>
        <translation>试验 {number}</translation>
    </message>
    <message>
        <source>Trial {number}, pruned</source>
        <translation>试验 {number}，已剪枝</translation>
    </message>
</context>
<context>
    <name>SweepForm</name>
    <message>
        <source>This study searches an experiment of its own.</source>
        <translation>该搜索使用它自己的实验。</translation>
    </message>
    <message>
        <source>Searched: {experiment}, lane “{lane}”</source>
        <translation>搜索对象：{experiment}，赛道“{lane}”</translation>
    </message>
    <message>
        <source>Trials</source>
        <translation>试验次数</translation>
    </message>
    <message>
        <source>Fields to search</source>
        <translation>搜索的字段</translation>
    </message>
    <message>
        <source>Add a field</source>
        <translation>添加字段</translation>
    </message>
    <message>
        <source>Nothing is searched yet. “Add a field” offers every setting of this lane; or choose an example above.</source>
        <translation>还没有要搜索的字段。“添加字段”列出这条赛道的所有设置；也可以在上方选择一个示例。</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Kept in</source>
        <translation>保存位置</translation>
    </message>
    <message>
        <source>a file of this computer</source>
        <translation>本机的文件</translation>
    </message>
    <message>
        <source>A database that several machines work on: postgresql://user:password@host/name. It is not shown.</source>
        <translation>供多台机器共同使用的数据库：postgresql://user:password@host/name。地址不会显示出来。</translation>
    </message>
</context>
<context>
    <name>SweepTable</name>
    <message>
        <source>Finished trials are listed here, the best first.</source>
        <translation>完成的试验会列在这里，最好的在最前。</translation>
    </message>
    <message>
        <source>Trial</source>
        <translation>试验</translation>
    </message>
    <message>
        <source>State</source>
        <translation>状态</translation>
    </message>
</context>
<context>
    <name>SweepWindow</name>
    <message>
        <source>Open trial {number}</source>
        <translation>打开试验 {number}</translation>
    </message>
    <message>
        <source>Save the trials</source>
        <translation>保存试验</translation>
    </message>
    <message>
        <source>New search</source>
        <translation>新的搜索</translation>
    </message>
    <message>
        <source>Kept: {name}</source>
        <translation>已保存：{name}</translation>
    </message>
    <message>
        <source>Examples</source>
        <translation>示例</translation>
    </message>
    <message>
        <source>Example: {name}</source>
        <translation>示例：{name}</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>正在开始…</translation>
    </message>
    <message>
        <source>Nothing has been searched yet.</source>
        <translation>还没有进行过搜索。</translation>
    </message>
    <message>
        <source>{done} of {all} trials</source>
        <translation>已完成 {done}/{all} 次试验</translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation>剩余 {time}</translation>
    </message>
    <message>
        <source>stopping…</source>
        <translation>正在停止…</translation>
    </message>
    <message>
        <source>stopped; “Start search” goes on</source>
        <translation>已停止；点击“开始搜索”可继续</translation>
    </message>
    <message>
        <source>best so far {value} (trial {number})</source>
        <translation>目前最好 {value}（试验 {number}）</translation>
    </message>
    <message>
        <source>Open the best as an experiment</source>
        <translation>把最好的打开为实验</translation>
    </message>
    <message>
        <source>Open trial {number} as an experiment</source>
        <translation>把试验 {number} 打开为实验</translation>
    </message>
    <message>
        <source>Search – InitViz</source>
        <translation>搜索 – InitViz</translation>
    </message>
    <message>
        <source>Start search</source>
        <translation>开始搜索</translation>
    </message>
    <message>
        <source>Search; a study that is kept under this name goes on</source>
        <translation>开始搜索；若已有同名的搜索，则继续它</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>End the search; finished trials are kept, and it can go on later</source>
        <translation>结束搜索；已完成的试验会保留，以后可以继续</translation>
    </message>
    <message>
        <source>Save as CSV…</source>
        <translation>保存为 CSV…</translation>
    </message>
    <message>
        <source>New search, or one that is kept</source>
        <translation>新的搜索，或已保存的搜索</translation>
    </message>
    <message>
        <source>Progress of the search</source>
        <translation>搜索进度</translation>
    </message>
    <message>
        <source>Trials, best first</source>
        <translation>试验，最好的在前</translation>
    </message>
</context>
<context>
    <name>SymmetryView</name>
    <message>
        <source>Symmetry of units</source>
        <translation>单元的对称性</translation>
    </message>
    <message>
        <source>Units with equal weights in and out get equal gradients and stay copies, so that a whole layer computes what one unit could: a start must make them differ.</source>
        <translation>输入和输出权重都相等的单元得到相等的梯度，始终是彼此的副本，整层只做了一个单元的事：初始化必须让它们各不相同。</translation>
    </message>
    <message>
        <source>Press space to play.
How many units of each hidden layer are copies of another appears here, and how far the others differ.</source>
        <translation>按空格键开始。
这里将显示每个隐藏层有多少单元是别的单元的副本，以及其余单元相差多远。</translation>
    </message>
    <message>
        <source>copies among the units</source>
        <translation>单元中的副本</translation>
    </message>
    <message>
        <source>copies</source>
        <translation>副本</translation>
    </message>
    <message>
        <source>mean |cos| of two units</source>
        <translation>两单元间 |cos| 的均值</translation>
    </message>
    <message>
        <source>mean |cos|</source>
        <translation>|cos| 均值</translation>
    </message>
    <message>
        <source>effective rank of the weight</source>
        <translation>权重的有效秩</translation>
    </message>
    <message>
        <source>effective rank</source>
        <translation>有效秩</translation>
    </message>
    <message>
        <source>○ at the start  ● now</source>
        <translation>○ 初始  ● 现在</translation>
    </message>
    <message>
        <source>layer</source>
        <translation>层</translation>
    </message>
</context>
<context>
    <name>TextRow</name>
    <message>
        <source>automatic</source>
        <translation>自动</translation>
    </message>
</context>
<context>
    <name>TieChooser</name>
    <message>
        <source>Its weights are</source>
        <translation>该层的权重</translation>
    </message>
    <message>
        <source>its own</source>
        <translation>自己的</translation>
    </message>
    <message>
        <source>They are trained, and counted, for this layer alone.</source>
        <translation>只为这一层训练，也只计在这一层。</translation>
    </message>
    <message>
        <source>those of {layer}, turned</source>
        <translation>{layer} 的转置</translation>
    </message>
    <message>
        <source>those of {layer}</source>
        <translation>与 {layer} 相同</translation>
    </message>
    <message>
        <source>Both layers have the same numbers, trained by both and counted once.</source>
        <translation>两层使用同一组数，由两层共同训练，只计一次。</translation>
    </message>
</context>
<context>
    <name>TimeGradientView</name>
    <message>
        <source>Gradient through time</source>
        <translation>沿时间的梯度</translation>
    </message>
    <message>
        <source>Time is depth: a line that falls on its way back to the first step has a gradient that vanishes, so what came early is not learned; one that climbs explodes.</source>
        <translation>时间就是深度：回溯到第一步的途中一路下降的曲线，梯度在消失，较早的输入学不到；一路上升的则在爆炸。</translation>
    </message>
    <message>
        <source>This network has no recurrent layer, so there is no time to look back through.
Choose a recurrent network and a data set of sequences, then press space.</source>
        <translation>这个网络没有循环层，也就没有时间可以回溯。
请选择循环网络和序列数据集，然后按空格键。</translation>
    </message>
    <message>
        <source>Press space to play.
How much of the gradient reaches each step of the sequence appears here, from the last one back to the first.</source>
        <translation>按空格键开始播放。
这里会显示有多少梯度到达序列的每一步，从最后一步回溯到第一步。</translation>
    </message>
    <message>
        <source>{layer}: gradient norm ‖∂C/∂h‖, L2</source>
        <translation>{layer}：梯度范数 ‖∂C/∂h‖，L2</translation>
    </message>
    <message>
        <source>time steps back from the last</source>
        <translation>从最后一步往回数的时间步</translation>
    </message>
    <message>
        <source>pale: at the start</source>
        <translation>浅色：初始时</translation>
    </message>
    <message>
        <source>{layer}, time step {step} of {count}</source>
        <translation>{layer}，第 {step} 个时间步，共 {count} 个</translation>
    </message>
</context>
<context>
    <name>TrainingPanel</name>
    <message>
        <source>Training</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>{optimizer}, {steps} steps</source>
        <translation>{optimizer}，{steps} 步</translation>
    </message>
    <message>
        <source>Find a learning rate</source>
        <translation>寻找学习率</translation>
    </message>
    <message>
        <source>Opens a short run in which the learning rate rises from far too small to far too large; the loss tells which rate suits. Nothing of this experiment is lost.</source>
        <translation>打开一次短训练，学习率从过小一路升到过大，由损失看出哪个学习率合适。当前实验不会丢失。</translation>
    </message>
    <message>
        <source>Its loss does not fall at any rate</source>
        <translation>任何学习率都不能使其损失下降</translation>
    </message>
    <message>
        <source>Play to find a learning rate</source>
        <translation>播放以寻找学习率</translation>
    </message>
    <message>
        <source>Use the learning rate {rate}</source>
        <translation>采用学习率 {rate}</translation>
    </message>
    <message>
        <source>Goes back to the experiment with the rate at which the loss of {lane} falls fastest.</source>
        <translation>带着“{lane}”损失下降最快时的学习率回到实验。</translation>
    </message>
    <message>
        <source>Back without a change</source>
        <translation>不作更改，返回</translation>
    </message>
    <message>
        <source>Optimizer</source>
        <translation>优化器</translation>
    </message>
    <message>
        <source>Learning-rate schedule</source>
        <translation>学习率调度</translation>
    </message>
</context>
<context>
    <name>Transport</name>
    <message>
        <source>full</source>
        <translation>全速</translation>
    </message>
    <message>
        <source>Scenario: {title}</source>
        <translation>场景：{title}</translation>
    </message>
    <message>
        <source>Choose a scenario with a lesson; now: {title}</source>
        <translation>选择带讲解的场景；当前：{title}</translation>
    </message>
    <message>
        <source>{rate}/s</source>
        <translation>{rate}/秒</translation>
    </message>
    <message>
        <source>stopped by an error</source>
        <translation>因错误停止</translation>
    </message>
    <message>
        <source>cancelled</source>
        <translation>已取消</translation>
    </message>
    <message>
        <source>step {step} of {total}</source>
        <translation>第 {step} 步，共 {total} 步</translation>
    </message>
    <message>
        <source>{rate} steps/s</source>
        <translation>{rate} 步/秒</translation>
    </message>
    <message>
        <source>Auto</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Steps a second (− and +)</source>
        <translation>每秒步数（− 和 +）</translation>
    </message>
    <message>
        <source>Speed</source>
        <translation>速度</translation>
    </message>
    <message>
        <source>Where the networks train</source>
        <translation>在哪里训练网络</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Progress of the run</source>
        <translation>训练进度</translation>
    </message>
    <message>
        <source>How much of the run is done</source>
        <translation>训练完成了多少</translation>
    </message>
    <message>
        <source>Reset</source>
        <translation>重置</translation>
    </message>
    <message>
        <source>Single step</source>
        <translation>单步</translation>
    </message>
    <message>
        <source>Switch language</source>
        <translation>切换语言</translation>
    </message>
    <message>
        <source>Switch light and dark</source>
        <translation>切换浅色与深色</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>全屏</translation>
    </message>
</context>
<context>
    <name>TypedRow</name>
    <message>
        <source>automatic</source>
        <translation>自动</translation>
    </message>
</context>
<context>
    <name>UpdateRatioView</name>
    <message>
        <source>Update to weight ratio</source>
        <translation>更新量与权重之比</translation>
    </message>
    <message>
        <source>Near one thousandth a step is about right: far below it the weights hardly move, far above it they are thrown about.</source>
        <translation>每步约千分之一大致合适：远低于它，权重几乎不动；远高于它，权重剧烈震荡。</translation>
    </message>
    <message>
        <source>Press space to play.
How much each step changes the weights appears here, with a line at one thousandth.</source>
        <translation>按空格键开始训练。
这里会显示每一步使权重改变多少，千分之一处有一条参考线。</translation>
    </message>
    <message>
        <source>‖ΔW‖ / ‖W‖ in a step</source>
        <translation>每步的 ‖ΔW‖ / ‖W‖</translation>
    </message>
    <message>
        <source>median layer; band: all layers</source>
        <translation>线为各层中位数，阴影为所有层</translation>
    </message>
    <message>
        <source>10⁻³: about right</source>
        <translation>10⁻³：大致合适</translation>
    </message>
</context>
<context>
    <name>View</name>
    <message>
        <source>Every lane is hidden. Show one in the list of lanes.</source>
        <translation>所有赛道都已隐藏。请在赛道列表中显示一条。</translation>
    </message>
    <message>
        <source>This plot cannot be drawn just now.
Training goes on. The log file, in the help menu, says why.</source>
        <translation>暂时无法绘制此图。
训练照常进行。原因见“帮助”菜单中的日志文件。</translation>
    </message>
    <message>
        <source>vanished</source>
        <translation>消失</translation>
    </message>
    <message>
        <source>exploded</source>
        <translation>爆炸</translation>
    </message>
    <message>
        <source>{name}: diverged at step {step}</source>
        <translation>{name}：第 {step} 步发散</translation>
    </message>
    <message>
        <source>diverged at step {step}</source>
        <translation>第 {step} 步发散</translation>
    </message>
    <message>
        <source>stopped at step {step}</source>
        <translation>第 {step} 步停止</translation>
    </message>
    <message>
        <source>just started</source>
        <translation>刚开始</translation>
    </message>
    <message>
        <source>stalled</source>
        <translation>停滞</translation>
    </message>
    <message>
        <source>worse than a constant</source>
        <translation>不如常数预测</translation>
    </message>
    <message>
        <source>learning</source>
        <translation>学习中</translation>
    </message>
    <message>
        <source>layer {number}: {name}</source>
        <translation>第 {number} 层：{name}</translation>
    </message>
    <message>
        <source>not finite</source>
        <translation>非有限值</translation>
    </message>
    <message>
        <source>step</source>
        <translation>步</translation>
    </message>
    <message>
        <source>step {step}</source>
        <translation>第 {step} 步</translation>
    </message>
    <message>
        <source>{lane}, seed {seed} ({number} of {count})</source>
        <translation>{lane}，种子 {seed}（{number}/{count}）</translation>
    </message>
    <message>
        <source>no hidden layer to compare</source>
        <translation>没有可比较的隐藏层</translation>
    </message>
    <message>
        <source>all {count} units of a layer are copies of one</source>
        <translation>每层的 {count} 个单元全是同一个单元的副本</translation>
    </message>
    <message>
        <source>in every layer, all units are copies of one</source>
        <translation>每一层的所有单元都是同一个单元的副本</translation>
    </message>
    <message>
        <source>layer {layer}: all {count} units are copies of one</source>
        <translation>第 {layer} 层：{count} 个单元全是同一个单元的副本</translation>
    </message>
    <message>
        <source>no two units are copies</source>
        <translation>没有互为副本的单元</translation>
    </message>
    <message>
        <source>layer {layer}: {share} of the units are copies of another</source>
        <translation>第 {layer} 层：{share} 的单元是别的单元的副本</translation>
    </message>
</context>
<context>
    <name>ViewDock</name>
    <message>
        <source>Put this plot in a window of its own, or back</source>
        <translation>把图表移到单独的窗口，或移回来</translation>
    </message>
    <message>
        <source>Float {view}</source>
        <translation>浮动“{view}”</translation>
    </message>
    <message>
        <source>Close this plot; the View menu brings it back</source>
        <translation>关闭图表；可从“视图”菜单重新打开</translation>
    </message>
    <message>
        <source>Close {view}</source>
        <translation>关闭“{view}”</translation>
    </message>
</context>
<context>
    <name>ViewHead</name>
    <message>
        <source>What to look for</source>
        <translation>看什么</translation>
    </message>
    <message>
        <source>Save or copy this view</source>
        <translation>保存或复制这张图</translation>
    </message>
    <message>
        <source>Save as picture (PNG)…</source>
        <translation>保存为图片（PNG）…</translation>
    </message>
    <message>
        <source>Save as drawing (SVG)…</source>
        <translation>保存为矢量图（SVG）…</translation>
    </message>
    <message>
        <source>Save numbers (CSV)…</source>
        <translation>保存数据（CSV）…</translation>
    </message>
    <message>
        <source>Copy picture</source>
        <translation>复制图片</translation>
    </message>
</context>
<context>
    <name>WeightsDesk</name>
    <message>
        <source>Save weights…</source>
        <translation>保存权重…</translation>
    </message>
    <message>
        <source>Write the weights that the lane has by now to a .safetensors file</source>
        <translation>把赛道目前的权重写入 .safetensors 文件</translation>
    </message>
    <message>
        <source>Write the weights that its first seed has by now to a .safetensors file</source>
        <translation>把其第一个种子目前的权重写入 .safetensors 文件</translation>
    </message>
    <message>
        <source>The run is still being loaded.</source>
        <translation>训练仍在加载。</translation>
    </message>
    <message>
        <source>There is no run. Reset first.</source>
        <translation>当前没有训练。请先重置。</translation>
    </message>
    <message>
        <source>This lane has no run yet.</source>
        <translation>此赛道尚无对应的训练。</translation>
    </message>
    <message>
        <source>Save the weights of {lane}</source>
        <translation>保存 {lane} 的权重</translation>
    </message>
    <message>
        <source>Weights (*.safetensors)</source>
        <translation>权重 (*.safetensors)</translation>
    </message>
</context>
<context>
    <name>WeightsView</name>
    <message>
        <source>Weights by layer</source>
        <translation>逐层权重</translation>
    </message>
    <message>
        <source>The width is what the start chose: see whether training moves and widens the bells, or leaves them as they were.</source>
        <translation>宽度由初始化决定：看训练会不会让这些钟形移动、变宽，还是原样不动。</translation>
    </message>
    <message>
        <source>Press space to play.
How the weights of each layer are distributed appears here, layer 1 at the bottom.</source>
        <translation>按空格键开始训练。
这里会显示各层权重的分布，第 1 层在最下面。</translation>
    </message>
    <message>
        <source>weight</source>
        <translation>权重</translation>
    </message>
</context>
<context>
    <name>WhyNormalView</name>
    <message>
        <source>Why normal</source>
        <translation>为什么是正态</translation>
    </message>
    <message>
        <source>Whatever the weights are drawn from, a unit that adds up many of them comes out normal: only their standard deviation is left to choose. Move it, and watch the signal from layer to layer.</source>
        <translation>不论权重取自什么分布，单元把许多权重加起来，结果都近似正态：可选的只剩它们的标准差。移动滑块，看信号如何逐层变化。</translation>
    </message>
    <message>
        <source>Two-point weights</source>
        <translation>两点权重</translation>
    </message>
    <message>
        <source>Uniform weights</source>
        <translation>均匀权重</translation>
    </message>
    <message>
        <source>Normal weights</source>
        <translation>正态权重</translation>
    </message>
    <message>
        <source>Standard deviation of the weights times the root of the fan-in: σ of the pre-activations. The lane in focus starts with it. Arrow keys move it.</source>
        <translation>权重的标准差乘以扇入的平方根，即预激活的 σ。所选赛道以它为初始化。可用方向键移动。</translation>
    </message>
    <message>
        <source>Standard deviation σ</source>
        <translation>标准差 σ</translation>
    </message>
    <message>
        <source>D: largest distance from the normal distribution function (Kolmogorov and Smirnov). It falls like 0.40/√n for two-point weights, like 0.03/n for uniform ones.</source>
        <translation>D：与正态分布函数的最大距离（Kolmogorov–Smirnov）。两点权重按 0.40/√n 下降，均匀权重按 0.03/n 下降。</translation>
    </message>
    <message>
        <source>D: largest distance from the normal distribution function</source>
        <translation>D：与正态分布函数的最大距离</translation>
    </message>
    <message>
        <source>D: distance from normal</source>
        <translation>D：与正态的距离</translation>
    </message>
    <message>
        <source>distance from normal</source>
        <translation>与正态的距离</translation>
    </message>
    <message>
        <source>of these {count} units</source>
        <translation>这 {count} 个单元的距离</translation>
    </message>
    <message>
        <source>their deviation</source>
        <translation>它们的标准差</translation>
    </message>
</context>
</TS>
