# docker build -t sessionworker:local .
#
# The base is pinned by its tag; who needs the very same bytes each time adds the digest that `docker pull` prints.

FROM python:3.13-slim-bookworm AS build
WORKDIR /build
COPY setup.py pyproject.toml MANIFEST.in LICENSE ./
COPY sessionworker sessionworker
COPY twisted twisted
RUN pip wheel --no-cache-dir --no-deps --wheel-dir dist .
RUN python -m venv --without-pip /opt/sessionworker
RUN pip --python /opt/sessionworker/bin/python install --no-cache-dir "$(echo dist/*.whl)[postgresql,migrate,page]"
# The plugin cache: the worker's user could not write it later.
RUN /opt/sessionworker/bin/python -c "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))"

FROM python:3.13-slim-bookworm
RUN pip uninstall --yes --root-user-action=ignore pip
# The store is for this user, and for any other one in group 0, as `--user 1234:0` and OpenShift have it. What the worker
# makes in it is for its own user alone.
RUN groupadd --gid 5656 sessionworker \
    && useradd --uid 5656 --gid 5656 --no-create-home --home-dir /data --shell /usr/sbin/nologin sessionworker \
    && install --directory --owner=5656 --group=0 --mode=0770 /data
COPY --from=build /opt/sessionworker /opt/sessionworker

ENV PATH=/opt/sessionworker/bin:$PATH
ENV SESSIONWORKER_STORE=/data
# The page for operators is there if somebody says where: whoever publishes all ports of a container means no page.
ENV SESSIONWORKER_UI_LISTEN=off
VOLUME /data
EXPOSE 5656
USER 5656:5656
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/opt/sessionworker/bin/python", "-m", "sessionworker.healthcheck"]
ENTRYPOINT ["/opt/sessionworker/bin/twistd", "--nodaemon", "--pidfile=", "sessionworker"]
