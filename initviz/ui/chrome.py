"""The quiet frame around the plots: neutral colours, sizes in steps of 8 px, one style sheet."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

from PySide6.QtGui import QColor, QPalette

from initviz.resources import resource
from initviz.ui.panel_sheet import PANEL_SHEET
from initviz.views.palette import Theme, mix, readable


@dataclass(frozen=True, slots=True)
class Chrome:
    """Colours of everything that is not data, as CSS writes them. Writing has a contrast of 4.5:1 at least.

    Attributes:
        ground: Between the panels.
        surface: Of panels and plots.
        sunken: Of fields and grooves.
        text: Writing.
        muted: Less important writing.
        line: Borders.
        edge: Borders of what can be used; 3:1 against the surface.
        hover: Below the pointer.
        pressed: While pressed, and of what is chosen.
        filled: Ground of the one main button.
        inverse: Writing on it.
        mark: Of checked boxes, sliders, progress; white stands on it.
        focus: Ring around what has the keyboard.
        notice: Ground of a message.
        notice_edge: Its edge.
    """

    ground: str
    surface: str
    sunken: str
    text: str
    muted: str
    line: str
    edge: str
    hover: str
    pressed: str
    filled: str
    inverse: str
    mark: str
    focus: str
    notice: str
    notice_edge: str


def chrome(theme: Theme) -> Chrome:
    """Return the frame's colours that go with a theme of the plots."""
    surface, text, muted = theme.surface, theme.text, theme.muted
    dark = theme.name == "dark"
    return Chrome(
        ground=theme.background,
        surface=surface,
        sunken=mix(surface, theme.background, 0.7),
        text=text,
        muted=muted,
        line=theme.border,
        edge=readable(mix(muted, surface, 0.45), (surface, theme.background), 3.0),
        hover=mix(surface, text, 0.07),
        pressed=mix(surface, text, 0.12),
        filled=text,
        inverse=surface,
        mark=readable(mix(muted, surface, 0.2 if dark else 0.0), (surface,), 3.0),
        focus=theme.accent,
        notice="#332a12" if dark else "#fff6dc",
        notice_edge="#d9a92f" if dark else "#b07d00",
    )


def palette(chrome: Chrome) -> QPalette:
    """Return the colours for what the style draws by itself."""
    result = QPalette()
    role = QPalette.ColorRole
    for which, color in (
        (role.Window, chrome.surface),
        (role.WindowText, chrome.text),
        (role.Base, chrome.sunken),
        (role.AlternateBase, chrome.surface),
        (role.Text, chrome.text),
        (role.PlaceholderText, chrome.muted),
        (role.Button, chrome.surface),
        (role.ButtonText, chrome.text),
        (role.BrightText, chrome.text),
        (role.ToolTipBase, chrome.surface),
        (role.ToolTipText, chrome.text),
        (role.Highlight, chrome.pressed),
        (role.HighlightedText, chrome.text),
        (role.Accent, chrome.mark),
        (role.Link, chrome.focus),
        (role.LinkVisited, chrome.focus),
        (role.Light, chrome.hover),
        (role.Midlight, chrome.hover),
        (role.Mid, chrome.line),
        (role.Dark, chrome.edge),
        (role.Shadow, chrome.ground),
    ):
        result.setColor(which, QColor(color))
    for which in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        result.setColor(QPalette.ColorGroup.Disabled, which, QColor(chrome.edge))
    return result


def style_sheet(chrome: Chrome, factor: float) -> str:
    """Return the style sheet.

    Args:
        chrome: Colours.
        factor: How much larger than usual everything is; 1.6 before an audience.
    """
    lengths = {f"px{size}": f"{max(1, round(size * factor))}px" for size in SIZES}
    colors = {name: getattr(chrome, name) for name in Chrome.__slots__}
    chevron = resource("icons", "chevron-neutral.svg").as_posix()
    check = resource("icons", "check-white.svg").as_posix()
    return Template(SHEET + PANEL_SHEET).substitute(**lengths, **colors, chevron=chevron, check=check)


SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 18, 20, 22, 24, 28, 32, 36, 40, 48)

SHEET = """
QMainWindow, QDialog#ground, QWidget#ground, QScrollArea#ground { background: $ground; }
QMainWindow::separator { background: $ground; width: $px8; height: $px8; }
QSplitter::handle { background: $ground; }
QToolTip { background: $surface; color: $text; border: 1px solid $edge; padding: $px4 $px8; }

QMenuBar { background: $surface; color: $text; border: none; padding: 0 $px8; }
QMenuBar::item { padding: $px4 $px8; border-radius: $px4; background: transparent; }
QMenuBar::item:selected, QMenuBar::item:pressed { background: $hover; }
QMenu { background: $surface; color: $text; border: 1px solid $line; padding: $px4; }
QMenu::item { padding: $px6 $px24 $px6 $px24; border-radius: $px4; }
QMenu::item:selected { background: $hover; }
QMenu::item:disabled { color: $edge; }
QMenu::separator { height: 1px; background: $line; margin: $px4 $px8; }
QMenu::indicator { width: $px8; height: $px8; left: $px8; border-radius: $px4; }
QMenu::indicator:checked { background: $mark; }

QFrame#transport { background: $surface; border: none; border-bottom: 1px solid $line; }
QFrame#stageStrip { background: $surface; border: none; border-bottom: 1px solid $line; }
QFrame#panel { background: $surface; border: 1px solid $line; border-radius: $px6; }
QWidget#viewHead { background: $surface; border: 1px solid $line; border-bottom: none;
    border-top-left-radius: $px6; border-top-right-radius: $px6; }
QFrame#viewBody { background: $surface; border: 1px solid $line; border-top: none;
    border-bottom-left-radius: $px6; border-bottom-right-radius: $px6; }
QLabel#key { background: $sunken; border: 1px solid $line; border-radius: $px4; padding: $px1 $px6; }
QLabel#strong { font-weight: 700; }
QLabel { background: transparent; }
QLabel#headline { font-size: $px22; font-weight: 700; }
QLabel#section { font-size: $px16; font-weight: 700; }
QLabel#quiet { color: $muted; }
QLabel#stepText { font-weight: 700; }

QToolButton { background: transparent; color: $text; border: 1px solid transparent; border-radius: $px6;
    padding: $px5; }
QToolButton:hover { background: $hover; }
QToolButton:pressed, QToolButton:checked { background: $pressed; }
QToolButton:focus { border-color: $focus; }
QToolButton:disabled { color: $edge; }
QToolButton::menu-indicator { image: none; }
QToolButton#playButton { background: $filled; background-clip: padding; border: $px2 solid $surface;
    border-radius: $px8; padding: $px6 $px16; }
QToolButton#playButton:hover { background: $mark; }
QToolButton#playButton:disabled { background: $hover; }
QToolButton#playButton:focus { border-color: $focus; }
QToolButton#scenarioButton { font-size: $px16; font-weight: 700; padding: $px6 $px24 $px6 $px8;
    border-color: $line; }
QToolButton#scenarioButton::menu-indicator { image: url($chevron); width: $px16; height: $px16;
    subcontrol-origin: padding; subcontrol-position: right center; right: $px6; }
QToolButton#scenarioButton:focus { border-color: $focus; }
QToolButton#languageButton { padding: $px6 $px8; }

QPushButton { background: $surface; color: $text; border: 1px solid $edge; border-radius: $px6;
    padding: $px6 $px16; outline: none; }
QPushButton:hover { background: $hover; }
QPushButton:pressed, QPushButton:checked { background: $pressed; }
QPushButton:disabled { color: $edge; border-color: $line; }
QPushButton:focus { border-color: $focus; }
QPushButton:default { background: $filled; color: $inverse; border-color: $filled; }
QPushButton:default:focus { border-color: $focus; }
QPushButton#sectionHeader { text-align: left; border: 1px solid transparent; border-radius: $px4;
    padding: $px5 $px12 $px5 $px7; font-size: $px13; font-weight: 700; }
QPushButton#sectionHeader:focus { background: $hover; border-color: $focus; }

QComboBox, QLineEdit, QAbstractSpinBox { background: $sunken; color: $text; border: 1px solid $edge;
    border-radius: $px4; padding: $px4 $px6; min-height: $px18; selection-background-color: $mark;
    selection-color: #ffffff; }
QComboBox:hover, QLineEdit:hover, QAbstractSpinBox:hover { background: $surface; }
QComboBox:focus, QLineEdit:focus, QAbstractSpinBox:focus { border: $px2 solid $focus; padding: $px3 $px5; }
QComboBox:focus { padding-right: $px20; }
QComboBox:disabled, QLineEdit:disabled, QAbstractSpinBox:disabled { color: $edge; border-color: $line; }
QComboBox { padding-right: $px20; combobox-popup: 0; }
QComboBox::drop-down { border: none; width: $px20; subcontrol-origin: border;
    subcontrol-position: center right; }
QComboBox::down-arrow { image: url($chevron); width: $px14; height: $px14; }
QComboBox QAbstractItemView { background: $surface; color: $text; border: 1px solid $edge; outline: none;
    selection-background-color: $pressed; selection-color: $text; }
QComboBox QAbstractItemView::item { padding: $px4 $px6; color: $text; }
QComboBox QAbstractItemView::item:selected { background: $pressed; }
QComboBox#deviceBox { background: transparent; border-color: $line; }
QComboBox#deviceBox:focus { border: $px2 solid $focus; }

QCheckBox, QRadioButton { spacing: $px8; color: $text; background: transparent; }
QCheckBox::indicator, QRadioButton::indicator { width: $px14; height: $px14; border: 1px solid $edge;
    background: $sunken; }
QCheckBox::indicator { border-radius: $px3; }
QRadioButton::indicator { border-radius: $px8; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: $focus; }
QCheckBox::indicator:focus, QRadioButton::indicator:focus { border-color: $focus; }
QCheckBox::indicator:checked { background: $mark; border-color: $mark; image: url($check); }
QRadioButton::indicator:checked { background: $mark; border-color: $edge; }

QSlider { background: transparent; min-height: $px20; }
QSlider::groove:horizontal { height: $px4; border-radius: $px2; background: $pressed; }
QSlider::sub-page:horizontal { height: $px4; border-radius: $px2; background: $mark; }
QSlider::handle:horizontal { width: $px14; height: $px14; margin: -$px5 0; border-radius: $px7;
    background: $mark; border: 1px solid $surface; }
QSlider::handle:horizontal:hover { background: $text; }
QSlider::handle:horizontal:focus { border: $px2 solid $focus; }
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled { background: $edge; }

QProgressBar { background: $pressed; border: none; border-radius: $px3; color: $text; text-align: center; }
QProgressBar::chunk { background: $mark; border-radius: $px3; }

QScrollArea { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: $px10; margin: 0; }
QScrollBar:horizontal { background: transparent; height: $px10; margin: 0; }
QScrollBar::handle { background: $edge; border-radius: $px3; margin: $px2; }
QScrollBar::handle:vertical { min-height: $px32; }
QScrollBar::handle:horizontal { min-width: $px32; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QTextBrowser#lesson { background: transparent; border: 1px solid transparent; color: $text; }
QTextBrowser#lesson:focus { border-color: $focus; }
QFrame#messageBar { background: $notice; border: none; border-bottom: 1px solid $line;
    border-left: $px4 solid $notice_edge; }
QFrame#messageBar[tone="done"] { background: $surface; border-left-color: $edge; }
QFrame#rule { background: $line; border: none; max-height: 1px; min-height: 1px; }
QTableWidget, QListWidget, QTreeWidget, QPlainTextEdit { background: $sunken; color: $text;
    border: 1px solid $line; border-radius: $px4; selection-background-color: $pressed;
    selection-color: $text; }
QHeaderView::section { background: $surface; color: $muted; border: none; border-bottom: 1px solid $line;
    padding: $px4 $px8; }
QTabWidget::pane { border: none; border-top: 1px solid $line; }
QTabBar::tab { background: transparent; color: $muted; padding: $px6 $px12; border: none;
    border-bottom: $px2 solid transparent; }
QTabBar::tab:selected { color: $text; border-bottom-color: $mark; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:focus { border-bottom-color: $focus; }
"""
