"""The renderers of collections, of importance, of picks and of comparisons, looked up by name."""

from limelight._registry import Registry

__all__ = ["RENDERERS"]

RENDERERS = Registry(
    "renderer of a collection",
    {
        "comparison_fragment": "limelight.renderers.comparison_page:render_fragment",
        "comparison_frame": "limelight.renderers.comparison_frame:make_frame",
        "comparison_markdown": "limelight.renderers.comparison_text:render_markdown",
        "comparison_page": "limelight.renderers.comparison_page:render_page",
        "comparison_text": "limelight.renderers.comparison_text:render_text",
        "comparisons_frame": "limelight.renderers.comparison_frame:make_frame_of_all",
        "comparisons": "limelight.renderers.comparison_page:render_summary",
        "explanations": "limelight.renderers.collection_tables:render_explanations",
        "importance": "limelight.renderers.collection_tables:render_importance",
        "importance_plot": "limelight.renderers.importance_plot:draw_importance",
        "pick": "limelight.renderers.collection_tables:render_pick",
        "stability_frame": "limelight.renderers.stability_frame:make_frame",
        "stability_plot": "limelight.renderers.stability_plot:draw_stability",
        "report": "limelight.renderers.reports.report:render_report",
    },
)
