"""DGflow Explorer: page configuration and navigation, nothing else."""

import streamlit as st

from app import log_lines, navigation, words
from app.failures import calm

log_lines.start()
st.set_page_config(page_title="DGflow Explorer", page_icon=str(navigation.ICON), layout="wide")
st.html(navigation.STYLE)
with calm("navigation"):
    words.settle()
    navigation.pages().run()
    navigation.foot()
# Last: where it stands at the top, the page below waits for it.
st.html(f"<script>{navigation.HISTORY.read_text()}</script>", unsafe_allow_javascript=True)
