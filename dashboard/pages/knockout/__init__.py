"""Knock-out: what a model says happens without elements, beside what CRISPRi measured."""
