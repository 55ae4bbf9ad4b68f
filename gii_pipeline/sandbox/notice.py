"""The words that say, wherever the sandbox's data shows, that it is made up."""

TITLE = "Sandbox: a made-up world"
NOTICE = (
    "This data is made up. It was generated from a seed to try and test the pipeline: places are real, but every "
    "person, institution, firm and record is invented, and no figure says anything about the real world. The largest "
    "clusters carry figures that WIPO printed, so that the tables look familiar; all others are invented."
)
