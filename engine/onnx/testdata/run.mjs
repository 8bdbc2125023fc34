// Runs models with onnxruntime-node or onnxruntime-web. Argument 1: the folder that has
// one in node_modules. On stdin JSON: a list of {model, dims, data}, the model in
// base64; on stdout a list of outputs.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { readFileSync } from 'node:fs';

const require = createRequire(pathToFileURL(process.argv[2] + '/'));
let ort;
try {
  ort = require('onnxruntime-node');
} catch {
  ort = require('onnxruntime-web');
  ort.env.wasm.numThreads = 1;
}
const outputs = [];
for (const { model, dims, data } of JSON.parse(readFileSync(0))) {
  const session = await ort.InferenceSession.create(Buffer.from(model, 'base64'), { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const { output } = await session.run({ input: new ort.Tensor('float32', Float32Array.from(data, (v) => (v === 1e38 ? NaN : v)), dims) });
  outputs.push({ dims: output.dims, data: Array.from(output.data) });
}
process.stdout.write(JSON.stringify(outputs));
