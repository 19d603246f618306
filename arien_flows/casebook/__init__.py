"""The casebook: what people say and do, which no node can tell again."""
