"""The dotted paths of all leaf columns of a vParquet4 file by name, for reading single columns; the types stand in `schema`."""

from __future__ import annotations

from dataclasses import astuple, dataclass

_RS = "rs.list.element."
_RESOURCE = f"{_RS}Resource."
_SS = f"{_RS}ss.list.element."
_SCOPE = f"{_SS}Scope."
_SPAN = f"{_SS}Spans.list.element."
_EVENT = f"{_SPAN}Events.list.element."
_LINK = f"{_SPAN}Links.list.element."


@dataclass(frozen=True, slots=True)
class AttributePaths:
    """The seven columns of the attributes of one level."""

    key: str
    is_array: str
    value: str
    value_int: str
    value_double: str
    value_bool: str
    value_unsupported: str

    @classmethod
    def under(cls, level: str) -> AttributePaths:
        """`level` is the path of the group that holds `Attrs`, with its dot."""
        attribute = f"{level}Attrs.list.element."
        return cls(
            key=f"{attribute}Key",
            is_array=f"{attribute}IsArray",
            value=f"{attribute}Value.list.element",
            value_int=f"{attribute}ValueInt.list.element",
            value_double=f"{attribute}ValueDouble.list.element",
            value_bool=f"{attribute}ValueBool.list.element",
            value_unsupported=f"{attribute}ValueUnsupported",
        )

    def all(self) -> tuple[str, ...]:
        """All seven, in the order of the file."""
        return astuple(self)


def dedicated(level: str, column: str) -> str:
    """The path of a dedicated column such as `String03`; `level` is "resource" or "span"."""
    return f"{_RESOURCE if level == 'resource' else _SPAN}DedicatedAttributes.{column}"


TRACE_ID = "TraceID"
TRACE_ID_TEXT = "TraceIDText"
TRACE_START = "StartTimeUnixNano"
TRACE_END = "EndTimeUnixNano"
TRACE_DURATION = "DurationNano"
ROOT_SERVICE_NAME = "RootServiceName"
ROOT_SPAN_NAME = "RootSpanName"
SERVICE_STATS_NAME = "ServiceStats.key_value.key"
SERVICE_STATS_SPANS = "ServiceStats.key_value.value.SpanCount"
SERVICE_STATS_ERRORS = "ServiceStats.key_value.value.ErrorCount"

RESOURCE_ATTRIBUTES = AttributePaths.under(_RESOURCE)
RESOURCE_DROPPED_ATTRIBUTES = f"{_RESOURCE}DroppedAttributesCount"
RESOURCE_SERVICE_NAME = f"{_RESOURCE}ServiceName"
RESOURCE_CLUSTER = f"{_RESOURCE}Cluster"
RESOURCE_NAMESPACE = f"{_RESOURCE}Namespace"
RESOURCE_POD = f"{_RESOURCE}Pod"
RESOURCE_CONTAINER = f"{_RESOURCE}Container"
RESOURCE_K8S_CLUSTER_NAME = f"{_RESOURCE}K8sClusterName"
RESOURCE_K8S_NAMESPACE_NAME = f"{_RESOURCE}K8sNamespaceName"
RESOURCE_K8S_POD_NAME = f"{_RESOURCE}K8sPodName"
RESOURCE_K8S_CONTAINER_NAME = f"{_RESOURCE}K8sContainerName"

SCOPE_NAME = f"{_SCOPE}Name"
SCOPE_VERSION = f"{_SCOPE}Version"
SCOPE_ATTRIBUTES = AttributePaths.under(_SCOPE)
SCOPE_DROPPED_ATTRIBUTES = f"{_SCOPE}DroppedAttributesCount"

SPAN_ID = f"{_SPAN}SpanID"
SPAN_PARENT_SPAN_ID = f"{_SPAN}ParentSpanID"
SPAN_NESTED_SET_PARENT = f"{_SPAN}ParentID"
SPAN_NESTED_SET_LEFT = f"{_SPAN}NestedSetLeft"
SPAN_NESTED_SET_RIGHT = f"{_SPAN}NestedSetRight"
SPAN_NAME = f"{_SPAN}Name"
SPAN_KIND = f"{_SPAN}Kind"
SPAN_TRACE_STATE = f"{_SPAN}TraceState"
SPAN_START = f"{_SPAN}StartTimeUnixNano"
SPAN_DURATION = f"{_SPAN}DurationNano"
SPAN_STATUS_CODE = f"{_SPAN}StatusCode"
SPAN_STATUS_MESSAGE = f"{_SPAN}StatusMessage"
SPAN_ATTRIBUTES = AttributePaths.under(_SPAN)
SPAN_DROPPED_ATTRIBUTES = f"{_SPAN}DroppedAttributesCount"
SPAN_DROPPED_EVENTS = f"{_SPAN}DroppedEventsCount"
SPAN_DROPPED_LINKS = f"{_SPAN}DroppedLinksCount"
SPAN_HTTP_METHOD = f"{_SPAN}HttpMethod"
SPAN_HTTP_URL = f"{_SPAN}HttpUrl"
SPAN_HTTP_STATUS_CODE = f"{_SPAN}HttpStatusCode"

EVENT_TIME_SINCE_START = f"{_EVENT}TimeSinceStartNano"
EVENT_NAME = f"{_EVENT}Name"
EVENT_ATTRIBUTES = AttributePaths.under(_EVENT)
EVENT_DROPPED_ATTRIBUTES = f"{_EVENT}DroppedAttributesCount"

LINK_TRACE_ID = f"{_LINK}TraceID"
LINK_SPAN_ID = f"{_LINK}SpanID"
LINK_TRACE_STATE = f"{_LINK}TraceState"
LINK_ATTRIBUTES = AttributePaths.under(_LINK)
LINK_DROPPED_ATTRIBUTES = f"{_LINK}DroppedAttributesCount"
