// Runs models with onnxruntime-node on one thread when it is asked to. Argument 1: the
// folder that has it in node_modules. Each line of stdin is a file, rows, the size of a
// row, and seconds; the answer is how many rows were computed in how many seconds of
// processor time.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(process.argv[2] + '/'));
const ort = require('onnxruntime-node');
console.log(require('onnxruntime-node/package.json').version);
const options = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all', logSeverityLevel: 3 };
const sessions = {};

async function open(file, dims) {
  if (!sessions[file]) {
    const data = new Float32Array(dims.reduce((a, b) => a * b)).map(() => 2 * Math.random() - 1);
    const session = await ort.InferenceSession.create(file, options);
    sessions[file] = { session, feeds: { input: new ort.Tensor('float32', data, dims) } };
    await session.run(sessions[file].feeds);
  }
  return sessions[file];
}

for await (const line of createInterface({ input: process.stdin })) {
  const [file, dims, seconds] = JSON.parse(line);
  const { session, feeds } = await open(file, dims);
  const start = process.cpuUsage();
  let rows = 0;
  let took = 0;
  do {
    await session.run(feeds);
    rows += dims[0];
    const now = process.cpuUsage(start);
    took = (now.user + now.system) / 1e6;
  } while (took < seconds);
  console.log(rows, took);
}
