#!/usr/bin/env bash
# Makes the disk image of dist/InitViz.app. The program must have been built before: python3 tasks.py package
#
# With a Developer ID, set CODESIGN_IDENTITY to sign the bundle for other people's machines and NOTARY_PROFILE (a
# keychain profile of "xcrun notarytool store-credentials") to have it notarized. Without them it carries PyInstaller's
# ad-hoc signature and opens on other machines only from the context menu.
set -euo pipefail
cd "$(dirname "$0")/../.."

app=dist/InitViz.app
if [ ! -d "$app" ]; then
    echo "There is no $app yet. Build it first: python3 tasks.py package" >&2
    exit 1
fi
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' initviz/__init__.py)
image="dist/InitViz-$version-macos-$(uname -m).dmg"

if [ -n "${CODESIGN_IDENTITY:-}" ]; then
    codesign --force --deep --timestamp --options runtime \
        --entitlements packaging/macos/entitlements.plist --sign "$CODESIGN_IDENTITY" "$app"
fi
codesign --verify --deep --strict "$app"

staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
cp -R "$app" "$staging/"
ln -s /Applications "$staging/Applications"
hdiutil create -volname InitViz -srcfolder "$staging" -format UDZO -ov "$image"

if [ -n "${NOTARY_PROFILE:-}" ]; then
    xcrun notarytool submit "$image" --keychain-profile "$NOTARY_PROFILE" --wait
    xcrun stapler staple "$image"
fi
echo "$image"
