"""The renderers of collections, of importance and of picks, looked up by name."""

from limelight._registry import Registry

__all__ = ["RENDERERS"]

RENDERERS = Registry(
    "renderer of a collection",
    {
        "explanations": "limelight.renderers.collection_tables:render_explanations",
        "importance": "limelight.renderers.collection_tables:render_importance",
        "importance_plot": "limelight.renderers.importance_plot:draw_importance",
        "pick": "limelight.renderers.collection_tables:render_pick",
        "report": "limelight.renderers.reports.report:render_report",
    },
)
