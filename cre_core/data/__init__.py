"""Studies: prepared folders with everything needed to browse and model one assembly."""
