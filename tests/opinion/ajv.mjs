// Judges what the sanitizer left: each line of a file holds a draft, a schema and an output. None may be invalid.
import assert from "node:assert/strict"
import { createReadStream } from "node:fs"
import { createInterface } from "node:readline"
import Ajv from "ajv"
import Ajv2019 from "ajv/dist/2019.js"
import Ajv2020 from "ajv/dist/2020.js"

const options = { strict: false, validateFormats: false, validateSchema: false, logger: false }
const drafts = { 7: Ajv, 2019: Ajv2019, 2020: Ajv2020 }
const file = process.argv[2]
let judged = 0
let failed = 0
const refused = []
for await (const line of createInterface({ input: createReadStream(file) })) {
  const { draft, schema, output } = JSON.parse(line)
  const ajv = new (drafts[draft].default ?? drafts[draft])(options)
  try {
    if (!ajv.validate(schema, output)) refused.push(line)
    judged += 1
  } catch (error) {
    // ajv writes code that names or fills what it did not declare, for some `unevaluated…` beside `$ref` or a union
    if (!(error instanceof ReferenceError) && !(error instanceof TypeError)) throw error
    failed += 1
  }
}
console.log(`ajv judged ${judged} outputs, refused ${refused.length}, and failed for ${failed}`)
assert.deepEqual(refused.slice(0, 5), [])
assert.ok(judged >= 20_000 && failed < 100, "too few outputs")
