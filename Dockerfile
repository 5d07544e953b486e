# Muster, self-hosted. Keep /data: it holds the embedded database, releases and copies of repositories.
#   docker build -t muster . && docker run --init -p 3000:3000 -p 8080:8080 -v muster:/data --env-file .env \
#     --security-opt seccomp=unconfined --security-opt systempaths=unconfined muster
# (Podman: --security-opt unmask=ALL in place of systempaths.) The sandbox needs user namespaces, which the default seccomp profile
# forbids, and a /proc of its own, which the kernel forbids while the engine covers parts of /proc; see docs/operate.md.
# With what native addons are built with, for repositories that need it:
#   docker build --target full -t muster:full .
FROM node:24-bookworm-slim AS slim
RUN apt-get update && apt-get install -y --no-install-recommends git bubblewrap ca-certificates tar && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY src/cli/*.mjs src/cli/
RUN node src/cli/setup.mjs && npm cache clean --force
COPY prisma prisma
COPY src src
COPY rehearsal rehearsal
COPY app.yml ./
RUN mkdir /data && chown node:node /data
USER node
ENV MUSTER_DATA=/data NODE_ENV=production
VOLUME /data
EXPOSE 3000
HEALTHCHECK CMD node -e "fetch('http://127.0.0.1:'+(process.env.PORT||3000)+'/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"
ENTRYPOINT ["node", "--no-warnings", "src/main.ts"]
CMD ["start"]

FROM slim AS full
USER root
RUN apt-get update && apt-get install -y --no-install-recommends python3 make g++ && rm -rf /var/lib/apt/lists/*
USER node

FROM slim
