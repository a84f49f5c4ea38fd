# The explorer for a class: docker build -t dgflow . && docker run --read-only --tmpfs /tmp \
#   --volume dgflow-cache:/cache --publish 8501:8501 --memory 2g dgflow
FROM python:3.12-slim
RUN useradd --uid 10001 --create-home explorer && mkdir /cache && chown explorer /cache
WORKDIR /srv/dgflow
COPY requirements.txt .
# The CPU build of torch is a tenth of the one that PyPI has for Linux.
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu \
    "torch==$(sed -n 's/^torch==//p' requirements.txt)+cpu" \
    "torchvision==$(sed -n 's/^torchvision==//p' requirements.txt)+cpu" \
    && pip install --no-cache-dir --requirement requirements.txt
COPY streamlit_app.py ./
COPY .streamlit .streamlit
COPY app app
COPY dgflow_core dgflow_core
COPY assets assets
COPY static static
COPY pretrained pretrained
USER explorer
# Everything that is written lies in /cache; the rest of the file system may be read-only.
ENV DGFLOW_CACHE=/cache MPLCONFIGDIR=/cache/matplotlib HOME=/cache PYTHONDONTWRITEBYTECODE=1
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["python", "-m", "app.serve", "--server.address", "0.0.0.0", "--server.port", "8501"]
