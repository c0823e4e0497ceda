; Makes the Windows installer of the program in dist\initviz, with Inno Setup 6:
;   iscc /DVersion=0.1.0 packaging\windows\initviz.iss
; The program must have been built before: py tasks.py package

#ifndef Version
  #error Say the version: iscc /DVersion=0.1.0 packaging\windows\initviz.iss
#endif
#define Root "..\.."

[Setup]
AppId={{6E5B0E0C-6E43-4C1B-9E63-6B8B5B1D7A52}
AppName=InitViz
AppVersion={#Version}
AppPublisher=InitViz contributors
DefaultDirName={autopf}\InitViz
DefaultGroupName=InitViz
DisableProgramGroupPage=yes
; Without administrator rights it is installed for the person alone.
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
LicenseFile={#Root}\LICENSE
SetupIconFile={#Root}\build\initviz.ico
UninstallDisplayIcon={app}\InitViz.exe
OutputDir={#Root}\dist
OutputBaseFilename=InitViz-{#Version}-windows-x64
Compression=lzma2/normal
SolidCompression=yes
ChangesEnvironment=yes
WizardStyle=modern

[Languages]
Name: "en"; MessagesFile: "compiler:Default.isl"
; Inno Setup brings this file along only in some versions.
#if FileExists(AddBackslash(CompilerPath) + "Languages\ChineseSimplified.isl")
Name: "zh"; MessagesFile: "compiler:Languages\ChineseSimplified.isl"
#endif

[CustomMessages]
en.CommandLine=Make the command "initviz-cli" known to terminals
#if FileExists(AddBackslash(CompilerPath) + "Languages\ChineseSimplified.isl")
zh.CommandLine=让终端能够直接使用命令“initviz-cli”
#endif

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; GroupDescription: "{cm:AdditionalIcons}"
Name: "path"; Description: "{cm:CommandLine}"; Flags: unchecked

[InstallDelete]
; Files of an older version would be loaded in place of the new ones.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Root}\dist\initviz\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{autoprograms}\InitViz"; Filename: "{app}\InitViz.exe"
Name: "{autodesktop}\InitViz"; Filename: "{app}\InitViz.exe"; Tasks: desktopicon

[Registry]
; "Open with" offers InitViz for experiment files; who opens .toml by default stays as it is.
Root: HKA; Subkey: "Software\Classes\InitViz.Experiment"; ValueType: string; ValueData: "InitViz experiment"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\InitViz.Experiment\shell\open\command"; ValueType: string; ValueData: """{app}\InitViz.exe"" ""%1"""
Root: HKA; Subkey: "Software\Classes\.toml\OpenWithProgids"; ValueType: string; ValueName: "InitViz.Experiment"; ValueData: ""; Flags: uninsdeletevalue

[Run]
Filename: "{app}\InitViz.exe"; Description: "{cm:LaunchProgram,InitViz}"; Flags: nowait postinstall skipifsilent

[Code]
function EnvironmentRoot: Integer;
begin
  if IsAdminInstallMode then Result := HKEY_LOCAL_MACHINE else Result := HKEY_CURRENT_USER;
end;

function EnvironmentKey: string;
begin
  if IsAdminInstallMode then
    Result := 'SYSTEM\CurrentControlSet\Control\Session Manager\Environment'
  else
    Result := 'Environment';
end;

procedure CurStepChanged(CurStep: TSetupStep);
var
  Path: string;
begin
  if (CurStep = ssPostInstall) and WizardIsTaskSelected('path') then
  begin
    if not RegQueryStringValue(EnvironmentRoot, EnvironmentKey, 'Path', Path) then Path := '';
    if Pos(';' + Uppercase(ExpandConstant('{app}')) + ';', ';' + Uppercase(Path) + ';') = 0 then
    begin
      if (Path <> '') and (Path[Length(Path)] <> ';') then Path := Path + ';';
      RegWriteExpandStringValue(EnvironmentRoot, EnvironmentKey, 'Path', Path + ExpandConstant('{app}'));
    end;
  end;
end;

procedure CurUninstallStepChanged(CurUninstallStep: TUninstallStep);
var
  Path, Entry: string;
  Position: Integer;
begin
  if CurUninstallStep = usPostUninstall then
    if RegQueryStringValue(EnvironmentRoot, EnvironmentKey, 'Path', Path) then
    begin
      Entry := ExpandConstant('{app}');
      Position := Pos(';' + Uppercase(Entry) + ';', ';' + Uppercase(Path) + ';');
      if Position > 0 then
      begin
        { Position counts in the text with the leading semicolon, so it is where the entry begins in Path. }
        Delete(Path, Position, Length(Entry) + 1);
        RegWriteExpandStringValue(EnvironmentRoot, EnvironmentKey, 'Path', Path);
      end;
    end;
end;
