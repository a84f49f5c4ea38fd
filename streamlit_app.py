"""DGflow Explorer: page configuration and navigation, nothing else."""

import streamlit as st

from app import navigation

st.set_page_config(page_title="DGflow Explorer", page_icon=":material/air:", layout="wide")
st.html(navigation.STYLE)
navigation.pages().run()
