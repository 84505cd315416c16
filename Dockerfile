# The service as an image: docker build -t aegis-ml:0.1.0 .   (docs/deployment.md tells how to run it)
#
# Debian and not Alpine: the built-in PostgreSQL is made for glibc. Node 22 has long-term support and runs every
# dependency. BASE can be the same image by its digest, or from a registry of your own.
ARG BASE=node:22-bookworm-slim

FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY client/package.json client/
# `--secret id=npmrc,src=…` gives npm a configuration of your own; nothing of it stays in the image.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build
# What runs the service stays: no compilers and test tools, no client (it has no use here), no TensorFlow library
# (hundreds of MB, and slower than the kernel; the tensor engine runs on WebAssembly), no source maps, no types.
# The one install script that is left to run links PostgreSQL's libraries.
RUN npm pkg delete 'optionalDependencies[@tensorflow/tfjs-node]' workspaces scripts.prepare \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && npm rebuild \
 && find . \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -type f -delete \
 && find node_modules -type d -empty -delete \
 && mkdir -p data/models

FROM ${BASE}
LABEL org.opencontainers.image.title="AEGIS ML" \
      org.opencontainers.image.description="Watches an API gateway's traffic: tells whether this minute is abnormal and why, and what rate limit each endpoint needs." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.1.0"
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE /app/docker/healthcheck.js ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build --chown=1000:1000 /app/data /data
# A volume at a path of the old image is the folder that the service uses.
RUN ln -s /data /app/data && ln -s /data/models /app/models
ENV NODE_ENV=production \
    ML_SERVICE_HOST=0.0.0.0 \
    ML_SERVICE_PORT=5000 \
    DATA_PATH=/data \
    MODEL_PATH=/data/models
VOLUME /data
EXPOSE 5000
# The image's user `node`, by number: Kubernetes can tell that it is not root.
USER 1000:1000
STOPSIGNAL SIGTERM
# Whether the process serves: a restart would not bring a database back.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD ["node", "healthcheck.js"]
ENTRYPOINT ["node"]
CMD ["dist/server.js"]
