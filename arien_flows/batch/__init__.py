"""Many addresses at once: a table in, tables, a workbook, charts and a manifest out."""
