// Do readers that know nothing of Millrace find the rows we say there are? icebird and ClickHouse (chDB) open the tables
// by path, icebird also by catalog.
//   node readers.mjs --warehouse DIR --expect FILE.json [--catalog URL]
// FILE.json is what sample_warehouse prints; docs in tests/lake/README.md.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { query } from 'chdb'
import { icebergRead } from 'icebird'

const { values: options } = parseArgs({
  options: { warehouse: { type: 'string' }, expect: { type: 'string' }, catalog: { type: 'string' } },
})
const expected = JSON.parse(readFileSync(options.expect, 'utf8'))
let passed = 0
let failed = 0

function check(name, found, wanted) {
  const same = JSON.stringify(found) === JSON.stringify(wanted)
  if (same) passed += 1
  else failed += 1
  if (!same) console.log(`FAILED ${name}: found ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`)
}

// icebird reads by fetch(), which has no file: scheme.
const webFetch = globalThis.fetch
globalThis.fetch = async (input, init) => {
  const url = typeof input === 'string' ? input : input.url
  if (!url.startsWith('file://')) return webFetch(input, init)
  const bytes = readFileSync(url.slice('file://'.length))
  const range = new Headers(init?.headers).get('Range')
  if (!range) return new Response(bytes)
  const [from, to] = range.slice('bytes='.length).split('-')
  return new Response(bytes.subarray(Number(from), to === '' ? undefined : Number(to) + 1), { status: 206 })
}

const micros = (number) => BigInt(Math.round(number * 1e6))
const sum = (rows, column, value = BigInt) =>
  rows.reduce((total, row) => (row[column] == null ? total : total + value(row[column])), 0n)

function measure(rows, wanted) {
  const found = { rows: rows.length }
  const each = (kind, of) => {
    if (wanted[kind]) found[kind] = Object.fromEntries(Object.keys(wanted[kind]).map((column) => [column, of(column)]))
  }
  each('sum', (column) => Number(sum(rows, column)))
  each('sum_micros', (column) => Number(sum(rows, column, micros)))
  each('distinct', (column) => new Set(rows.map((row) => row[column]).filter((v) => v != null)).size)
  each('min_ms', (column) => Math.min(...rows.map((row) => row[column].getTime())))
  each('max_ms', (column) => Math.max(...rows.map((row) => row[column].getTime())))
  each('text_bytes', (column) => rows.reduce((total, row) => total + Buffer.byteLength(row[column] ?? ''), 0))
  each('group', (column) => {
    const counts = {}
    for (const value of rows.map((row) => row[column]).sort()) counts[value] = (counts[value] ?? 0) + 1
    return counts
  })
  return found
}

async function catalogMetadata(table) {
  const [namespace, name] = table.split('.')
  const answer = await webFetch(`${options.catalog}/v1/namespaces/${namespace}/tables/${name}`)
  if (!answer.ok) throw new Error(`catalog: ${answer.status} ${await answer.text()}`)
  return (await answer.json()).metadata
}

const clickhouseValue = {
  sum: (column) => `sum(toInt64(${column}))`,
  sum_micros: (column) => `toInt64(sum(${column}) * 1000000)`,
  distinct: (column) => `uniqExact(${column})`,
  min_ms: (column) => `toUnixTimestamp64Milli(min(${column}))`,
  max_ms: (column) => `toUnixTimestamp64Milli(max(${column}))`,
  text_bytes: (column) => `sum(length(${column}))`,
}

function clickhouse(table, wanted) {
  const source = `icebergLocal('${table.replace('.', '/')}')`
  const json = (sql) => JSON.parse(query(`${sql} SETTINGS output_format_json_quote_64bit_integers = 0`, 'JSONCompact')).data
  const found = { rows: json(`SELECT count() FROM ${source}`)[0][0] }
  for (const [kind, columns] of Object.entries(wanted)) {
    if (kind === 'rows') continue
    found[kind] = {}
    for (const column of Object.keys(columns)) {
      found[kind][column] =
        kind === 'group'
          ? Object.fromEntries(json(`SELECT ${column}, count() FROM ${source} GROUP BY 1 ORDER BY 1`))
          : json(`SELECT ${clickhouseValue[kind](column)} FROM ${source}`)[0][0]
    }
  }
  return found
}

process.chdir(options.warehouse) // ClickHouse reads below its working directory only.
for (const [table, wanted] of Object.entries(expected)) {
  const tableUrl = `file://${options.warehouse}/${table.replace('.', '/')}`
  check(`icebird ${table} by path`, measure(await icebergRead({ tableUrl }), wanted), wanted)
  if (options.catalog) {
    const metadata = await catalogMetadata(table)
    check(`icebird ${table} by catalog`, measure(await icebergRead({ tableUrl, metadata }), wanted), wanted)
  }
  check(`ClickHouse ${table} by path`, clickhouse(table, wanted), wanted)
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
