"""The command planner under LangChain's own standard tests for chat models."""

from langchain_kosmos.offline import OfflineCommander
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests


class TestUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self):
        return OfflineCommander

    @property
    def has_structured_output(self):
        return False


class TestIntegration(ChatModelIntegrationTests):
    @property
    def chat_model_class(self):
        return OfflineCommander

    @property
    def has_tool_calling(self):
        return False  # their tools are not among those that its commands need

    @property
    def has_structured_output(self):
        return False

    @property
    def returns_usage_metadata(self):
        return False  # it counts no tokens, for it has none
