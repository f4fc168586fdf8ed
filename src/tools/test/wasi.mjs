// Runs a program of wasm32-wasip1. What the plugin's crate wants of Envoy is not here, and traps.
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const [file, ...args] = process.argv.slice(2);
const module = await WebAssembly.compile(await readFile(file));
const wasi = new WASI({ version: 'preview1', args: [file, ...args] });
const imports = wasi.getImportObject();
for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] ??= () => { throw new Error(`${from}.${name} is not here`); };
}
const { exports } = await WebAssembly.instantiate(module, imports);
// The plugin's own entry is there too, and is not the program's.
wasi.start({ exports: { memory: exports.memory, _start: exports._start } });
