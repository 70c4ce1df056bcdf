// Writes src/schema.gen.ts, the types of the API, from the server's own contract. The
// file is made before every build and never kept: it cannot be out of date.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const contract = new URL('../../../internal/httpapi/openapi.yaml', import.meta.url);
const target = new URL('../src/schema.gen.ts', import.meta.url);
const text = `// Made from internal/httpapi/openapi.yaml. Do not edit.\n${astToString(await openapiTS(contract))}`;
const before = await readFile(target, 'utf8').catch(() => '');
if (before !== text) await writeFile(target, text);
