"""Stays of ships at berths."""

from datetime import datetime


def hours(start, end):
    return (end - start).total_seconds() / 3600


def parse(text, otherwise):
    return datetime.fromisoformat(text or otherwise)


def longest_gap(stays):
    """Hours between one ship's departure and the next one's arrival; None for a single stay."""
    gaps = [hours(before[1], after[0]) for before, after in zip(stays, stays[1:])]
    return max(gaps, default=None)
