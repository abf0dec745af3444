"""The pages: each view checks scope, asks a query, and renders a template."""
