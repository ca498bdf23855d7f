"""The pages of the web app; ``app_streamlit.py`` opens the index and shows one of them."""
