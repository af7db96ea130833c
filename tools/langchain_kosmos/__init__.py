"""Eyes and hands for LangChain agents, and a command planner that needs no network."""
