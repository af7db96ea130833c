"""A person who talks with the command planner."""

from langchain_core.messages import HumanMessage
from langchain_kosmos.agent import build_agent
from langchain_kosmos.claims import statement_of


class Talk:
    """A person, the planner and the scripted tools."""

    def __init__(self, script, *names):
        self.script = script
        self.agent = build_agent(tools=script.tools(*names), approve=False)
        self.messages = []

    def say(self, text):
        self.messages = self.agent.invoke({"messages": [*self.messages, HumanMessage(text)]})["messages"]
        return self

    @property
    def text(self):
        return self.messages[-1].text

    @property
    def statement(self):
        return statement_of(self.messages)

    @property
    def outcome(self):
        return self.statement.outcome

    @property
    def done(self):
        return [claim.skill for claim in self.statement.claims if claim.done]
