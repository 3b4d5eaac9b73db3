. "$QJIT_SOURCE/tests/cli/common.bash"
# The Rust form: compiles without a warning as a module and by include!, holds the bytes of the files, finds them.
need_rtc
need_rustc
kernel=$(qjit list --kernels --json | jq -r '.[0].name')
qjit export --hsaco objects --rust-bytes objects.rs --arch gfx90a:xnack+,gfx90a,$arch --kernel "$kernel" 2>/dev/null |
    sed 's/[0-9]* bytes/N bytes/'
cat >use.rs <<'END'
mod objects;
mod included {
    include!("objects.rs");
}

fn main() {
    let kernel = std::env::args().nth(1).unwrap();
    for arch in ["gfx1030", "gfx90a:sramecc+:xnack-", "gfx90a:xnack+", "gfx90a", "gfx90", "gfx1031"] {
        let found = objects::find(&kernel, arch).map_or("none", |object| object.arch);
        println!("{arch}: {found}");
    }
    assert!(objects::find("no_such_kernel", "gfx1030").is_none());
    assert_eq!(included::OBJECTS.len(), objects::OBJECTS.len());
    for (i, object) in objects::OBJECTS.iter().enumerate() {
        assert_eq!(object.bytes.as_ptr() as usize % 64, 0);
        println!("{}", object.key.len());
        std::fs::write(format!("{i}.bytes"), object.bytes).unwrap();
    }
}
END
rustc -D warnings use.rs 2>&1
./use "$kernel"
i=0
for file in $(jq -r '.[].file' objects/manifest.json); do
    cmp "objects/$file" $i.bytes && i=$((i + 1))
done
echo "$i the same"
