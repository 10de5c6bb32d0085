#!/bin/bash
# Builds the three Lambda functions and packs each with the loader and the libraries it needs:
#   lambda-packages/{rag_query,document_processor,rag_query_multimodal}_alb.zip
# They run on provided.al2023 and provided.al2, at AWS and in Weir, whatever C library is there.
#   ./package_alb_lambdas.sh [BUILD-FOLDER [OUTPUT-FOLDER]]
set -euo pipefail
cd "$(dirname "$0")"
build=${1:-build-functions} out=${2:-lambda-packages}
functions="rag_query document_processor rag_query_multimodal"

[ -e "$build/build.ninja" ] || meson setup "$build" --buildtype=release >&2
ninja -C "$build" --quiet functions/launcher $(printf 'functions/%s ' $functions) | sed '/^ninja: no work to do/d' >&2
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in $functions; do
	rm -rf "$work/$name"
	mkdir -p "$work/$name/deps"
	cp "$build/functions/launcher" "$work/$name/bootstrap"
	cp "$build/functions/$name" "$work/$name/function"
	# ldd's lines: "libx.so.1 => /path (0x…)", and the loader alone.
	ldd "$build/functions/$name" | while read -r first arrow path _; do
		case "$first$arrow" in
		*"=>") cp -L "$path" "$work/$name/deps/$first" ;;
		/*ld-linux*) cp -L "$first" "$work/$name/deps/ld.so" ;;
		esac
	done
	strip --strip-unneeded "$work/$name/bootstrap" "$work/$name/function" "$work/$name"/deps/*.so.* 2>/dev/null || true
	chmod 755 "$work/$name/bootstrap" "$work/$name/function" "$work/$name/deps/ld.so"
	rm -f "$out/${name}_alb.zip"
	(cd "$work/$name" && python3 -m zipfile -c "$work/$name.zip" bootstrap function deps)
	mv "$work/$name.zip" "$out/${name}_alb.zip"
	echo "$out/${name}_alb.zip $(stat -c %s "$out/${name}_alb.zip") bytes"
done
