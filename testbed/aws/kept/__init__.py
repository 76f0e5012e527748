"""moto's memory, read where the gate needs it."""
