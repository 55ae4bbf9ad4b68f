"""Editions: which years, parameters and switches an edition of the ranking has.

Belongs here: `editions.yaml`, its typed model, and reading the two together.
Does not: anything that touches records.
"""

from gii_pipeline.editions.book import EditionBook, read_book, wipo_book
from gii_pipeline.editions.model import Edition, Method, MetricSettings, Setting, Window

__all__ = ["Edition", "EditionBook", "Method", "MetricSettings", "Setting", "Window", "read_book", "wipo_book"]
