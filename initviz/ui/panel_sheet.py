"""The part of the style sheet that is about the panels of the left column. See ``initviz.ui.chrome``."""

PANEL_SHEET = """
QLabel#fieldTitle { font-weight: 700; }
QLabel#facts { color: $muted; }
QLabel#factValue { font-weight: 700; }
QLabel#factCaption { color: $muted; }
QLabel#fieldProblem { background: $notice; border-left: $px3 solid $notice_edge; border-radius: $px3;
    padding: $px4 $px6; }
QLineEdit[problem="true"], QComboBox[problem="true"] { border: 1px solid $notice_edge;
    background: $notice; }
QFrame#notice { background: $notice; border: none; border-left: $px3 solid $notice_edge;
    border-radius: $px3; }
QToolButton#fieldReset { padding: 0; border-radius: $px4; background: $surface; }
QToolButton#fieldReset:hover { background: $hover; }
QToolButton#panelButton { padding: $px4; }
QListView#laneList, QListView#layerList { background: transparent; border: none; outline: none; }
QLineEdit#cardName { background: $sunken; border: 1px solid $focus; border-radius: $px4;
    padding: $px2 $px4; font-weight: 700; min-height: 0; }
QPushButton#scopeAll, QPushButton#scopeOne { padding: $px5 $px8; border-color: $line; color: $muted; }
QPushButton#scopeAll { border-top-right-radius: 0; border-bottom-right-radius: 0; }
QPushButton#scopeOne { border-top-left-radius: 0; border-bottom-left-radius: 0; border-left: none; }
QPushButton#scopeAll:checked, QPushButton#scopeOne:checked { background: $pressed; color: $text;
    font-weight: 700; }
QPushButton#scopeAll:focus, QPushButton#scopeOne:focus { border-color: $focus; }
QPushButton#sectionHeader:checked { background: transparent; }
QPushButton#sectionHeader:checked:hover, QPushButton#sectionHeader:checked:focus { background: $hover; }
QPushButton#quietButton { border-color: $line; padding: $px4 $px10; }
QPushButton#quietButton:focus { border-color: $focus; }
QPushButton#quietButton::menu-indicator { image: url($chevron); width: $px14; height: $px14;
    subcontrol-origin: padding; subcontrol-position: right center; right: $px6; }
QPushButton#quietButton[menu="true"] { padding-right: $px24; }
"""
