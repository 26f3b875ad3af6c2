# SPDX-License-Identifier: LGPL-2.1-or-later
"""What both mdevctls are asked, for test_mdevctl_differential.py.

A scenario begins with an empty host: the parents mtty (mtty-1=24,mtty-2=12) and mbochs, no device, no definition. Each
of its lines is

    ARGUMENTS                   a command line of mdevctl, in the shell's quoting
    @NAME ARGUMENTS             one that is answered differently, for the reason that docs/mdevctl-compatibility.md
                                gives under that name
    @NAME/1.2.0 ARGUMENTS       one that is answered differently by that version only
    ARGUMENTS <<< TEXT          the same with TEXT on standard input
    ! COMMAND                   the shell makes the ground ready
    # TEXT                      a comment

$A, $B, $C and $D are UUIDs, $NONE one that nobody has. $S is the store, $TESTS the folder of this file."""

import pathlib
import random

A = "11111111-1111-4111-8111-111111111111"
B = "22222222-2222-4222-8222-222222222222"
C = "33333333-3333-4333-8333-333333333333"
D = "4eb3a2c6-7f1b-4a7e-8b73-2b8f0a4a3d5e"
NONE = "99999999-9999-4999-8999-999999999999"
NAMES = {"NONE": NONE, "TESTS": str(pathlib.Path(__file__).resolve().parent), "A": A, "B": B, "C": C, "D": D,
         "S": "/etc/mdevctl.d"}

USAGE = r"""
@help --help
@help -h
@help help
@help help list
@help list -h
@help modify --help
@help define -p x -h
@help/1.2.0 list -u x --help
@help/1.2.0 list -u x -h
@help list -dh
@version --version
@version -V
@version list --version
bogus
xyzzy --foo
""
-
-- list
-- help
-- -d
--
LIST
list extra
list -- extra
list list
list -
list --foo
list --foo=bar
list -x
list -dx
list -dfoo
list -é
list --defined=1
list -d=1
list --defined=
list -d -d
list -dd
list --verbose --verbose
list --dumpjson --dumpjson
list -u
list --uuid
list --uuid=
list -u x
list -u -1
list -u --
list --
list ---
list --=x
list -u $A -u $A
list -u x -u y
list -u $A -u
list -u $A -u x
list -d -d --foo
list -d -u x -d
list -u x extra
list -u x --foo
list -u=x --foo
list -u x -d=3
list -u x --defined=3
list -u x -d --foo
list -p -u x
list -p '' -u x -p
list -p -d
list -p -d -u x
list -p -d --foo
list -u x -p -d
list -p
list --dump
list --uid $A
types x
types -p
types -p --
types -p -- x
types -p a -p b
types --version
types -V
types -v
types -u $A
define
define -a
define -t mtty-1
define -p
define -u x -p a -p b
define -p a -p b -u x
define -u $A --jsonfile f -t x
define -u $A --jsonfile f -a
define -u $A --jsonfile f -a -t x
define -u $A -t x --jsonfile f
define -a -t x --jsonfile f -u $A
define --jsonfile f -t x
define --auto --auto -u $A
define --type
define -u '' -p x
define -u $A -T f
undefine
undefine -p x
undefine -u x
undefine -u $A extra
modify
modify -p mtty
modify -u $A --addattr x
modify -u $A --addattr x --value y --delattr
modify -u $A --delattr --addattr x --value y
modify -u $A -a -m
modify -m -a -u x
modify -a -m -u
modify --addattr x -u z
modify --addattr x --delattr
modify -u $A -i x
modify -u $A -i 5x
modify -u $A -i +
modify -u $A -i ' 5'
modify -u $A -i -1
modify -u $A -i=-1
modify -u $A -i 4294967296
modify -u $A -i 99999999999999999999999
modify -u $A -i ''
modify -u $A --value
modify -u $A --addattr a --value -1
modify -u $A --addattr a --addattr b --value c
modify -u $A --index 1 --index 2
modify -u $A -i +5 -a
modify -u $A -i=-0 --delattr
modify -u $A -i=-99999999999999999999 --delattr
modify -u $A -i=- --delattr
modify -u $A -t mtty-1
modify -u $A -a -i 1
modify -u $A -m --value 1
modify -u $A -a --delattr
modify -u $A --delattr -m
modify -u $A --addattr x --value y -a
modify -u $A --value y --delattr
modify --value y --delattr
modify -u $A --addattr x --addattr
modify -u $A --addattr x -i 7 -a
start
start -t x
start -u $A --jsonfile f -t x
start -t x --jsonfile f
start -u
start -u x
start -u $A -p
start -u $A -d
stop
stop -u
stop -u x
stop -u $A -u $A
stop -p x
start-parent-mdevs
start-parent-mdevs a b
start-parent-mdevs -x
start-parent-mdevs --
help bogus
help -h
help list foo
help define -x
@options/1.2.0 start -p mtty -f
@options/1.2.0 stop -u $A --force
@options/1.2.0 modify -u $A --live
@options/1.2.0 modify -u $A --jsonfile f --defined
@options/1.2.0 @help/1.4.0 modify --defined --live --jsonfile b --help
@options/1.2.0 modify -u $A --live -a
@options/1.2.0 modify -u $A --live -m
@options/1.2.0 modify -u $A --live --delattr
@options/1.2.0 modify -u $A --live --addattr x
@options/1.2.0 modify -u $A --live --addattr x --value 3
@options/1.2.0 modify -u $A --live --jsonfile f
@options/1.2.0 modify -u $A --live --jsonfile f -t x
@options/1.2.0 modify -u $A -l -d -t x
@options/1.2.0 modify -u $A -l -i 3
@options/1.2.0 modify -l -l
@options/1.2.0 modify -u $A -p mtty --jsonfile /nowhere/x
@options/1.2.0 modify -u $A -p mtty --jsonfile /tmp
@options/1.2.0 modify -u $A -p mtty --jsonfile f --addattr x
@options/1.2.0 modify -u $A -p mtty --jsonfile f --value x
@options/1.2.0 modify -u $A -p mtty --jsonfile f -a
@suggestion/1.2.0 un
@suggestion/1.2.0 l
st
mod
start_parent_mdevs
lst
stopp
defien
list -u 11111111-1111-4111-8111-11111111111
list -u 1111111111114111811111111111111
list -u 11111111-11114111-8111-111111111111
list -u 1111111-11111-4111-8111-111111111111
list -u 11111111-1111-4111-811-1111111111111
list -u 11111111-1111-4111-8111-1111111111111
list -u 11111111-1111-4111-8111-11111111111g
list -u {11111111-1111-4111-8111-11111111111g}
list -u {11111111-1111-4111-8111-111111111111
list -u {11111111111141118111111111111111}
list -u urn:uuid:11111111-1111-4111-8111-11111111111
list -u urn:uuid:11111111-1111-4111-8111-11111111111g
list -u URN:UUID:11111111-1111-4111-8111-111111111111
list -u é
list -u 'a"b\c'
list -u aéb
list -u 11111111--4111-8111-111111111111
list -u ' 11111111-1111-4111-8111-111111111111'
"""

EMPTY = """
list
list --dumpjson
list -d
list -d --dumpjson
list -v
list -u $A
list -u $A --dumpjson
list -d -u $A --dumpjson
list -p mtty
list -p nobody --dumpjson
types
types --dumpjson
types -p mtty
types -p mtty --dumpjson
types -p mbochs
types -p nobody
types -p nobody --dumpjson
types -p ''
types -p=mtty
types --parent=mtty
start-parent-mdevs mtty
start-parent-mdevs nobody
stop -u $A
undefine -u $A
undefine -u $A -p mtty
modify -u $A -a
modify -u $A -p mtty -a
modify -u $A
start -u $A
start -p mtty
start -u $A -t mtty-1
start -u $A -p mtty
define -u $A
define -u $A -t mtty-1
define -u $A -p mtty
define -p mtty
"""

DEFINE = """
define -u $A -p mtty -t mtty-1
list -d
list -d --dumpjson
list -d -u $A --dumpjson
list -d -u $B --dumpjson
list -d -p mtty
list -d -p mbochs
list -d -p mbochs --dumpjson
list -dv
list
list --dumpjson
define -u $A -p mtty -t mtty-1
define -u $A -p mtty -t mtty-2
define -u $A -p mbochs -t mbochs-small --auto
list -d
list -d -u $A
list -d -u $A --dumpjson
list -d -u $A -p mbochs --dumpjson
list -d --dumpjson
define -u $B -p nobody -t nothing -a
define -u $C -p mtty
define -u $C -t mtty-1
define -u 3333333333334333833333333333333A -p mtty -t mtty-1
define -u {33333333-3333-4333-8333-33333333333B} -p mtty -t mtty-1
define -u urn:uuid:33333333-3333-4333-8333-33333333333C -p mtty -t mtty-1
list -d
list -d --dumpjson
list -dvp mtty
lsmdev
lsmdev -d
lsmdev -x
lsmdev list
lsmdev -d --dumpjson -p mbochs
undefine -u $A
list -d
undefine -u $A
undefine -u 3333333333334333833333333333333A -p mbochs
undefine -u 3333333333334333833333333333333A -p mtty
undefine -u $B
list -d
"""

MODIFY = """
define -u $A -p mtty -t mtty-1
modify -u $A
modify -u $A -a
list -d
modify -u $A -m
list -d
modify -u $A --auto -t mtty-2
list -d --dumpjson
modify -u $A --addattr one --value 1
modify -u $A --addattr three --value '3 " \\ /'
modify -u $A --addattr two --value 2 -i 1
modify -u $A --addattr zero --value '' -i 0
modify -u $A --addattr sub/five --value=-5 --index 4
list -dv
list -d --dumpjson
list -d -u $A --dumpjson
modify -u $A --addattr no --value x -i 9
modify -u $A --addattr no --value x -i 4294967295
modify -u $A --delattr -i 9
modify -u $A --delattr -i 5
modify -u $A --delattr -i 0
modify -u $A --delattr
list -dv
modify -u $A --value 7
modify -u $A -i 7
modify -u $A -p mtty --delattr --manual -t mtty-1
list -dv
modify -u $A --delattr --index 0
modify -u $A --delattr --index 0
modify -u $A --delattr
modify -u $A --delattr
list -d --dumpjson
modify -u $A -p mbochs -a
modify -u $B -a
define -u $A -p mbochs -t mbochs-small
modify -u $A -a
modify -u $A -p mbochs -a
modify -u $A -p mbochs --addattr ümläut --value 'süß €'
list -dv
list -d --dumpjson
modify -u $A -p nobody -a
"""

START = """
start -u $A -p mtty -t mtty-1
list
list -v
list --dumpjson
list -u $A --dumpjson
list -u $B --dumpjson
list -p mtty
list -p mbochs
list -d
types
types --dumpjson
start -u $A -p mtty -t mtty-1
start -u $A -p mtty -t mtty-2
start -u $A -p mbochs -t mbochs-small
start -u $A
start -u $A -t mtty-1
start -u $B -p nobody -t mtty-1
start -u $B -p MTTY -t mtty-1
start -u $B -p mtty -t mtty-3
start -u $B -p mtty -t mbochs-small
types -p mtty
define -u $A
list
list -d
list -d --dumpjson
stop -u $A
list -d
stop -u $A
stop -u $NONE
start -u $A
list
start -u $A
start -u $A -p mtty
start -u $A -p mtty -t mtty-1
start -u $A -p mtty -t mtty-2
start -u $A -p mbochs
stop -u 11111111111141118111111111111111
start -u $A -p mtty
undefine -u $A
list
define -u $A -p mbochs -t mbochs-small
list
list -d
start -u $A
define -u $A -p mtty
define -u $A
list
list -d
list -dv
undefine -u $A -p mbochs
modify -u $A -t mtty-2
list
list -v --dumpjson
list -d
start -u $A
stop -u $A
"""

# Made-up UUIDs: one a parent, so that the order of what is printed is the same.
NEW = """
define -p mtty -t mtty-2
list -d
list -d --dumpjson
define -p mbochs -t mbochs-small --auto
list -d
list -d --dumpjson
start -p mtty -t mtty-1
list
list --dumpjson
start -p mbochs --jsonfile /dev/stdin <<< {"mdev_type":"mbochs-small","start":"auto","attrs":[]}
list
list -p mbochs --dumpjson
start -p mbochs -t mtty-1
start -p nobody -t mtty-1
define -p nobody
"""

SEVERAL = """
define -u $A -p mtty -t mtty-1
define -u $A -p mbochs -t mbochs-small
start -u $A
start -u $A -t mtty-1
start -u $A -p mbochs
list
list -d
list -d --dumpjson
start -u $A -p mtty
define -u $A
stop -u $A
start -u $A -p mtty
list
undefine -u $A
stop -u $A
"""

FILES = """
define -u $A --jsonfile /nowhere/x
define -u $A -p mtty --jsonfile /nowhere/x
define -u $A -p mtty --jsonfile /tmp
define -p mtty --jsonfile '/tmp/a"b'
start -p mtty --jsonfile /nowhere/x
start -u $A --jsonfile /nowhere/x
start -u $A --jsonfile /dev/stdin <<< {"mdev_type":"mtty-1","start":"manual"}
define -u $A -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"mtty-1","start":"manual"}
define -u $A -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"mtty-1","start":"manual"}
list -d --dumpjson
start --parent=mtty --jsonfile=/dev/stdin --uuid=$B <<< {"mdev_type":"mtty-2","start":"manual"}
start --parent=mtty --jsonfile=/dev/stdin --uuid=$B <<< {"mdev_type":"mtty-2","start":"manual"}
start --parent=mtty --jsonfile=/dev/stdin --uuid=$A <<< {"mdev_type":"mtty-2","start":"auto"}
list
define -u $C -p mtty --jsonfile /dev/stdin <<< \
{"mdev_type":"x","start":"auto","attrs":[{"a":"1"},{"b/c":"2"},{"a":"3"}],"other":5}
define -p first --jsonfile /dev/stdin <<< {"start":"Auto","mdev_type":"x","attrs":null}
define -p second --jsonfile /dev/stdin <<< {"start":true,"mdev_type":"x","attrs":[]}
list -d -u $C --dumpjson
list -dv
@json define -u $D -p mtty --jsonfile /dev/stdin <<<
@json define -u $D -p mtty --jsonfile /dev/stdin <<< {
@json define -u $D -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"mtty-1","start":"manual",}
@json start -u $D -p mtty --jsonfile /dev/stdin <<< nonsense
define -u $D -p mtty --jsonfile /dev/stdin <<< {}
define -u $D -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"mtty-1"}
define -u $D -p mtty --jsonfile /dev/stdin <<< {"start":"auto"}
define -u $D -p mtty --jsonfile /dev/stdin <<< {"mdev_type":null,"start":"auto"}
define -u $D -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"m","start":"auto","attrs":{}}
define -u $D -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"m","start":"auto","attrs":"x"}
define -u $D -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"m","start":"auto","attrs":[1]}
define -u $D -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"m","start":"auto","attrs":[{}]}
define -u $D -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"m","start":"auto","attrs":[{"a":"1","b":"2"}]}
start -u $D -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"m","start":"auto","attrs":[{}]}
start -u $D -p mtty --jsonfile /dev/stdin <<< {}
define -u $D -p mtty --jsonfile /dev/stdin <<< {"mdev_type":5,"start":"auto"}
@not-a-string/1.4.0 define -u $D -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"m","start":"auto","attrs":[{"a":1}]}
list -d
"""

LIBVIRT = """
list --dumpjson --defined
define --parent=mtty --jsonfile=/dev/stdin --uuid=$A <<< {"mdev_type":"mtty-1","start":"manual"}
define --parent=mtty --jsonfile=/dev/stdin --uuid=$A <<< {"mdev_type":"mtty-1","start":"manual"}
list --dumpjson --defined
start --uuid=$A
start --uuid=$A
list --dumpjson --defined
modify --uuid $A --auto
list --dumpjson --defined
list --dumpjson
stop --uuid=$A
undefine --uuid=$A
list --dumpjson --defined
start --parent=mtty --jsonfile=/dev/stdin --uuid=$B <<< {"mdev_type":"mtty-1","start":"manual"}
list --dumpjson --defined
start --parent=mtty --jsonfile=/dev/stdin --uuid=$B <<< {"mdev_type":"mtty-1","start":"manual"}
stop --uuid=$B
stop --uuid=$B
undefine --uuid=$B
"""

# What libvirt 11 does besides: the first line is how it finds out whether it may call the others.
LIBVIRT_11 = """
@options/1.2.0 @help/1.4.0 modify --defined --live --jsonfile b --help
define --parent=mtty --jsonfile=/dev/stdin --uuid=$A <<< {"mdev_type":"mtty-1","start":"manual"}
@options/1.2.0 modify --parent=mtty --jsonfile=/dev/stdin --uuid=$A --defined <<< \
{"mdev_type":"mtty-2","start":"auto","attrs":[{"setting":"1"}]}
@options/1.2.0 list --dumpjson --defined
modify --uuid $A --manual
@options/1.2.0 list --dumpjson --defined
start --parent=mtty --jsonfile=/dev/stdin --uuid=$B <<< {"mdev_type":"mtty-1","start":"manual"}
@options/1.2.0 modify --parent=mtty --jsonfile=/dev/stdin --uuid=$B --live <<< {"mdev_type":"mtty-1","start":"manual"}
@options/1.2.0 modify --parent=mtty --jsonfile=/dev/stdin --uuid=$B --live <<< {"mdev_type":"mtty-2","start":"manual"}
@options/1.2.0 modify --parent=mtty --jsonfile=/dev/stdin --uuid=$B --defined --live <<< \
{"mdev_type":"mtty-1","start":"manual"}
list --dumpjson
@options/1.2.0 list --dumpjson --defined
undefine --uuid=$A
stop --uuid=$B
list --dumpjson
"""

LIVE = """
! echo '{"mdev_type":"mtty-1","start":"auto","attrs":[{"setting":"1"}]}' >/run/one
! echo '{"mdev_type":"mtty-2","start":"auto"}' >/run/two
@options/1.2.0 modify -u $A --live --jsonfile /run/one
start -u $A -p mtty -t mtty-1
@options/1.2.0 modify -u $A --live --jsonfile /nowhere/x
@options/1.2.0 modify -u $A --live --jsonfile /run/two
@options/1.2.0 modify -u $A --live --jsonfile /run/one
@options/1.2.0 modify -u $A --live -p mbochs --jsonfile /run/one
@options/1.2.0 modify -u $A --live --delattr
@options/1.2.0 modify -u $A --live --defined --jsonfile /run/one
list -d
@options/1.2.0 modify -u $A -p mtty --defined --jsonfile /run/two
@options/1.2.0 list -d
@options/1.2.0 modify -u $A --live --defined --jsonfile /run/one
@options/1.2.0 modify -u $A -p mtty --jsonfile /run/one
@options/1.2.0 list -dv
@options/1.2.0 list -v
@options/1.2.0 list --dumpjson
"""

ATTRIBUTES = """
define -u $A -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"mtty-1","start":"manual","attrs":[{"nothing":"1"}]}
start -u $A
list
start -u $B -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"mtty-1","start":"manual","attrs":[{"nothing/deep":"1"}]}
list
modify -u $A --delattr
@attribute-name modify -u $A --addattr ../escape --value 1
@attribute-name modify -u $A --addattr /etc/passwd --value 1
@attribute-name modify -u $A --addattr remove --value 1
@attribute-name modify -u $A --addattr '' --value 1
@attribute-name start -u $B -p mtty --jsonfile /dev/stdin <<< \
{"mdev_type":"mtty-1","start":"manual","attrs":[{"../x":"1"}]}
"""

AUTOSTART = """
! mkdir -p $S/mtty $S/mbochs
! echo '{"mdev_type":"mtty-1","start":"manual"}' >$S/mtty/$A
! echo '{"mdev_type":"mtty-2","start":"manual"}' >$S/mtty/$B
list
start-parent-mdevs mtty
list
modify -u $A -a
modify -u $B -a
modify -u $B --addattr nothing --value x
start-parent-mdevs mtty
list
start-parent-mdevs mtty
start-parent-mdevs mbochs
list -d
list -dv
"""

EXHAUSTED = """
! for i in $(seq 10 21); do echo 55555555-5555-4555-8555-5555555555$i \
>/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-2/create; done
types -p mtty
types -p mtty --dumpjson
start -u $A -p mtty -t mtty-2
start -p mtty -t mtty-1
list
list --dumpjson
list -p mtty -v
list -u 55555555-5555-4555-8555-555555555515
lsmdev -u 55555555-5555-4555-8555-555555555515 --dumpjson
stop -u 55555555-5555-4555-8555-555555555515
start -u $A -p mtty -t mtty-2
list
"""

STORE = r"""
! mkdir -p $S/mtty $S/mbochs/$C
! printf '{"mdev_type":"mtty-1","start":"manual","note":[1,2.50,{"a":null}],"attrs":[{"a":"1"}]}' >$S/mtty/$A
! printf '{"start":"auto","mdev_type":"mtty-2"}\n\n' >$S/mtty/$B
! mkfifo $S/mtty/$C
! ln -s $A $S/mtty/$D
! ln -s mtty $S/linked
! echo top >$S/$A
! echo noise >$S/mtty/README
list -d
list -d --dumpjson
list -dv -p mtty
list -d -u $A --dumpjson
list -d -u $C
start -u $A -p mtty -t mtty-2
start -u $B
list
list --dumpjson
define -u $C -p mbochs -t mbochs-small
"""

BROKEN = r"""
! mkdir -p $S/mtty $S/mbochs
! printf '{"mdev_type":"mtty-1","start":"manual"' >$S/mtty/$A
! printf '{"mdev_type":"mtty-1","start":"manual"}' >$S/mtty/$B
! printf '{"mdev_type":"mbochs-small","start":"auto"}' >$S/mbochs/$C
@broken-file list -d
@broken-file list -d --dumpjson
@broken-file list -d -p mtty
list -d -p mbochs
list -d -u $B
list -d -u $C --dumpjson
start -u $B
list
@json modify -u $A -a
@json start -u $A
define -u $A -p mtty -t mtty-1
@broken-undefine undefine -u $A
"""

BROKEN_ACTIVE = r"""
! mkdir -p $S/mtty
! printf '{"mdev_type":"mtty-1","start":"auto"' >$S/mtty/$A
! echo $A >/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create
list
list -v
list --dumpjson
list -u $A --dumpjson
list -u $B
stop -u $A
"""

NAMES_OF_PARENTS = """
@parent-name define -u $A -p '' -t mtty-1
@parent-name define -u $A -p .. -t mtty-1
@parent-name define -u $A -p a/b -t mtty-1
@parent-name define -u $A -p scripts.d -t mtty-1
@type-name define -u $A -p mtty -t ''
@type-name define -u $A -p mtty -t a/b
@parent-name start -u $A -p '' -t mtty-1
start -u $A -p a/b -t mtty-1
"""

SPELLING = """
! mkdir -p $S/mtty
! echo '{"mdev_type":"mtty-1","start":"manual"}' >$S/mtty/AAAAAAAA-AAAA-4AAA-8AAA-AAAAAAAAAAAA
! echo '{"mdev_type":"mtty-1","start":"manual"}' >$S/mtty/$A
list -d
list -d -u $A
@spelling list -d --dumpjson
@spelling list -d -u aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa --dumpjson
"""

WITHOUT_FOLDERS = """
! rm -r $S/scripts.d
@folders/1.2.0 list
@folders/1.2.0 list -d
@folders/1.2.0 types
! mv /usr/lib/mdevctl/scripts.d/notifiers /usr/lib/mdevctl/scripts.d/away
@folders list
@folders list -d
! mv /usr/lib/mdevctl/scripts.d/away /usr/lib/mdevctl/scripts.d/notifiers
@folders/1.2.0 types
"""

CALLOUTS = """
! rm -f /run/callouts.log /run/refuse /run/refuse-post
! cp $TESTS/mdevctl-callout $S/scripts.d/callouts/
! cp $TESTS/mdevctl-callout $S/scripts.d/notifiers/
start -u $A -p mtty -t mtty-2
start -u $B -p mtty -t mtty-1
list
list -v
list --dumpjson
list -u $A --dumpjson
define -u $A
define -u $B
list -dv
list -v
modify -u $A -a
modify -u $A --addattr more --value 3
stop -u $B
stop -u $A
start -u $A -p mtty -t mtty-2
define -u $C -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"mtty-2","start":"auto","attrs":[{"x":"1"}]}
undefine -u $C
undefine -u $A
list
! touch /run/refuse-post
define -u $A -p mtty -t mtty-2
modify -u $A -a
start -u $A
stop -u $A
undefine -u $A
list
list -d
! mkdir -p $S/mtty; mv /run/callouts.log $S/mtty/log
"""

TRANSIENT = """
! cp $TESTS/mdevctl-callout $S/scripts.d/callouts/
start -u $A -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"mtty-1","start":"manual","attrs":[{"setting":"1"}]}
list
@transient-attributes list -v
@transient-attributes list --dumpjson
define -u $A
@transient-attributes list -d --dumpjson
"""

REFUSALS = """
! rm -f /run/refuse /run/refuse-post
! cp $TESTS/mdevctl-callout $S/scripts.d/callouts/
define -u $A -p mtty -t mtty-2
start -u $A
start -u $C -p nobody -t mtty-2
! touch /run/refuse
@callout-words modify -u $A -a
@callout-words stop -u $A
@callout-words define -u $A -p mbochs -t mtty-2
@callout-words start -u $C -p mtty -t mtty-2
@undefine-status/1.2.0 undefine -u $A
start -u $B -p mtty -t mtty-1
list
list -d
! rm /run/refuse
"""

ATTRIBUTES_KEPT = """
start -u $A -p mtty --jsonfile /dev/stdin <<< {"mdev_type":"mtty-1","start":"manual","attrs":[]}
define -u $A
list -d -u $A --dumpjson
"""

SCENARIOS = {name.lower(): text for name, text in globals().items() if name.isupper() and isinstance(text, str)
             and name not in NAMES and "\n" in text}

UUIDS = [A, B, C]
PARENTS = ["mtty", "mbochs", "mtty", "nobody"]
TYPES = ["mtty-1", "mtty-2", "mbochs-small", "none"]


def _any_line(rng):
    """A command line that may be right or wrong."""
    verb = rng.choice(["list", "list", "types", "define", "define", "undefine", "modify", "modify", "start", "start",
                       "stop"])
    words = [verb]

    def maybe(chance, *options):
        if rng.random() < chance:
            words.extend(option() if callable(option) else option for option in options)

    def uuid():
        return rng.choice(UUIDS)

    maybe({"list": 0.5, "types": 0.1, "define": 1, "start": 1}.get(verb, 0.9), rng.choice(["-u", "--uuid"]), uuid)
    maybe(0.4, rng.choice(["-p", "--parent"]), lambda: rng.choice(PARENTS))
    maybe(0.5 if verb in ("start", "define") else 0.15, rng.choice(["-t", "--type"]), lambda: rng.choice(TYPES))
    if verb in ("list", "types"):
        maybe(0.4, "--dumpjson")
    if verb == "list":
        maybe(0.5, "-d")
        maybe(0.3, "-v")
    if verb in ("define", "modify"):
        maybe(0.3, "-a")
    if verb == "modify":
        maybe(0.3, "-m")
        maybe(0.4, "--addattr", lambda: f"attr{rng.randrange(5)}")
        maybe(0.4, "--value", lambda: str(rng.randrange(100)))
        maybe(0.2, "--delattr")
        maybe(0.2, "-i", lambda: str(rng.choice([0, 0, 1, 7])))
    rng.shuffle(words) if rng.random() < 0.03 else None
    return " ".join(words)


def generated(seed, count):
    """Command lines that build on each other."""
    rng = random.Random(seed)
    return "\n".join(_any_line(rng) for _ in range(count))
