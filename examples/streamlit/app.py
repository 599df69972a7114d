"""Counts clicks: every click goes over the page's WebSocket to the server and back."""

import socket

import streamlit as st

st.set_page_config(page_title="Clicks on Wharf", page_icon="⚓")
st.title("Clicks on Wharf")

if "clicks" not in st.session_state:
    st.session_state.clicks = 0


def count() -> None:
    st.session_state.clicks += 1


st.button("Click me", on_click=count, type="primary")
st.metric("Clicks", st.session_state.clicks)
st.write(f"You have clicked {st.session_state.clicks} times.")
st.caption(f"Served by {socket.gethostname()}.")
