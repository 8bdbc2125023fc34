// Writes what onnxruntime-node computes of NAME.x.npy for each NAME.onnx of a folder that
// has no NAME.y.npy yet. Argument 1: the folder with onnxruntime-node in node_modules;
// argument 2: the folder.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

const ort = createRequire(pathToFileURL(process.argv[2] + '/'))('onnxruntime-node');
const folder = process.argv[3];
for (const file of readdirSync(folder).filter((f) => f.endsWith('.onnx'))) {
  const name = folder + '/' + file.slice(0, -5);
  if (existsSync(name + '.y.npy')) continue;
  const x = readFileSync(name + '.x.npy');
  const start = 10 + x.readUInt16LE(8);
  const dims = x.subarray(10, start).toString().match(/'shape': \(([^)]*)\)/)[1].split(',').filter((s) => s.trim()).map(Number);
  const session = await ort.InferenceSession.create(name + '.onnx', { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const input = new ort.Tensor('float32', new Float32Array(new Uint8Array(x.subarray(start)).buffer), dims);
  const output = (await session.run({ [session.inputNames[0]]: input }))[session.outputNames[0]];
  let head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${output.dims.join(', ')},), }`;
  head += ' '.repeat(63 - ((10 + head.length) % 64)) + '\n';
  const lead = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, head.length & 255, head.length >> 8]);
  writeFileSync(name + '.y.npy', Buffer.concat([lead, Buffer.from(head), Buffer.from(Float32Array.from(output.data).buffer)]));
  console.log(file, Array.from(output.data.slice(0, 6)));
}
