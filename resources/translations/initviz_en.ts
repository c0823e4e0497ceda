<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>OwnNote</name>
    <message numerus="yes">
        <source>%n of {count} lanes differ.</source>
        <translation>
            <numerusform>%n of {count} lanes differs.</numerusform>
            <numerusform>%n of {count} lanes differ.</numerusform>
        </translation>
    </message>
</context>
</TS>
