"""More than a server can take, in small: it goes on answering, holds a bounded amount, and keeps what it acknowledged."""
