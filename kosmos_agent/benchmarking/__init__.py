"""How fast, beside what users run today and beside what the machine could do: timings that know who else was busy."""
