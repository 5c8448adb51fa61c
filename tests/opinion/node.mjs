// Judges what patterns were said to match: each line of a file holds a pattern, a text, and whether it matches.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"

const expression = (pattern) => {
  try {
    return new RegExp(pattern, "u")
  } catch {
    return new RegExp(pattern)
  }
}
const lines = readFileSync(process.argv[2], "utf8").trim().split("\n").map((line) => JSON.parse(line))
const wrong = lines.filter(({ pattern, text, matches }) => expression(pattern).test(text) !== matches)
console.log(`Node judged ${lines.length} matches, and disagreed with ${wrong.length}`)
assert.deepEqual(wrong.slice(0, 5), [])
assert.ok(lines.length >= 5_000, "too few matches")
