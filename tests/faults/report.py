# SPDX-License-Identifier: Apache-2.0
"""The table of docs/reliability.md."""

BEGIN = "<!-- written by tests/faults/run --report -->"
END = "<!-- end -->"

HEAD = ["| fault | engine | answered well | 503 | 409, row compared | no answer | wrong "
        "| slowest answer, of its limit | slowest without database, of its limit | recovered in "
        "| verdict |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|"]


def seconds(value):
    return "never" if value is None else f"{value:.2f} s"


def within(row, measured, limit):
    return f"{row[measured]:.2f} of {row[limit]:.1f} s"


def table(rows):
    """Lines of a Markdown table."""
    return HEAD + [
        f"| {row['fault']} | {row['engine']} | {row['good']} | {row['503']} | {row['compared']} "
        f"| {row['lost']} | {row['wrong']} | {within(row, 'slowest', 'limit')} "
        f"| {within(row, 'site', 'site limit')} | {seconds(row['recovered'])} | {row['verdict']} |"
        for row in rows]


def write(path, rows):
    """Between the two marks if the file has them, else the file is the table."""
    text = path.read_text(encoding="utf-8") if path.exists() else f"{BEGIN}\n{END}\n"
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    path.write_text("\n".join([head + BEGIN, "", *table(rows), "", END]) + tail, encoding="utf-8")
