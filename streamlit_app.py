"""DGflow Explorer: page configuration and navigation, nothing else."""

import streamlit as st

from app import navigation, results

st.set_page_config(page_title="DGflow Explorer", page_icon=":material/air:", layout="wide")
st.html(navigation.STYLE)
page = navigation.pages()
try:
    page.run()
finally:
    results.settle(page.url_path)
