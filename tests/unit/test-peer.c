/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is charged to connections and users, without a bus. */

#include <errno.h>

#include "daemon/peers/peer.h"
#include "tests/unit/test.h"

#define ATTACKER 65534
#define OTHER 1

static struct peers *peers;
static unsigned int n_names;

static struct peer *new_unidentified(void) {
        char name[32];
        struct peer *peer;

        snprintf(name, sizeof(name), ":1.%u", ++n_names);
        assert_int_equal(peer_get(peers, name, &peer), 0);
        return peer;
}

static struct peer *new_peer(uid_t uid) {
        struct peer *peer = new_unidentified();

        peer_identify(peer, uid);
        return peer;
}

static int charge(struct peer *peer, struct charge *charge, enum account account, size_t amount) {
        size_t amounts[_ACCOUNT_MAX] = {};

        amounts[account] = amount;
        return peer_charge(peer, charge, amounts);
}

static int setup(void **state) {
        return peers_new(&peers);
}

static int teardown(void **state) {
        peers = peers_free(peers);
        return 0;
}

static void test_limit_of_a_connection(void **state) {
        struct peer *peer = new_peer(0), *second = new_peer(0);
        struct charge charges[PEER_REQUESTS_MAX] = {}, more = {};

        for (size_t i = 0; i < PEER_REQUESTS_MAX; i++)
                assert_int_equal(charge(peer, charges + i, ACCOUNT_REQUESTS, 1), 0);
        assert_int_equal(charge(peer, &more, ACCOUNT_REQUESTS, 1), -EDQUOT);
        assert_null(more.peer);
        assert_int_equal(charge(second, &more, ACCOUNT_REQUESTS, 1), 0);
        charge_release(&more);
        charge_release(charges);
        assert_int_equal(charge(peer, charges, ACCOUNT_REQUESTS, 1), 0);
        for (size_t i = 0; i < PEER_REQUESTS_MAX; i++)
                charge_release(charges + i);
}

/* As many connections of one user as it needs. Returns how much it got. */
static size_t fill(uid_t uid, enum account account, size_t each, struct charge *charges, size_t n) {
        size_t sum = 0;

        for (size_t i = 0; i < n; i++) {
                if (charge(new_peer(uid), charges + i, account, each) < 0)
                        break;
                sum += each;
        }
        return sum;
}

static void test_limit_of_a_user(void **state) {
        struct charge charges[100] = {}, other = {}, root = {};

        assert_int_equal(fill(ATTACKER, ACCOUNT_BYTES, PEER_BYTES_MAX, charges, 100), USER_BYTES_MAX);
        assert_int_equal(charge(new_peer(OTHER), &other, ACCOUNT_BYTES, PEER_BYTES_MAX), 0);
        assert_int_equal(charge(new_peer(0), &root, ACCOUNT_BYTES, PEER_BYTES_MAX), 0);
        charge_release(&other);
        charge_release(&root);
        for (size_t i = 0; i < 100; i++)
                charge_release(charges + i);
}

/* However many users take all that they can get, each has a minimum, and root is not concerned. */
static void test_limit_of_all_others(void **state) {
        struct charge charges[20][USER_BYTES_MAX / PEER_BYTES_MAX] = {}, small = {}, large = {};
        size_t sum = 0;

        for (uid_t i = 0; i < 20; i++)
                sum += fill(1000 + i, ACCOUNT_BYTES, PEER_BYTES_MAX, charges[i], ELEMENTSOF(charges[i]));
        assert_int_equal(sum, OTHERS_BYTES_MAX);
        assert_int_equal(charge(new_peer(OTHER), &large, ACCOUNT_BYTES, USER_BYTES_MIN + 1), -EDQUOT);
        assert_int_equal(charge(new_peer(OTHER), &small, ACCOUNT_BYTES, USER_BYTES_MIN), 0);
        assert_int_equal(charge(new_peer(0), &large, ACCOUNT_BYTES, PEER_BYTES_MAX), 0);
        charge_release(&small);
        charge_release(&large);
        for (size_t i = 0; i < 20; i++)
                for (size_t k = 0; k < ELEMENTSOF(charges[i]); k++)
                        charge_release(&charges[i][k]);
}

/* What was let in before it was known whose it is stays, even if it is more than the user may have. */
static void test_identified_later(void **state) {
        struct charge charges[USER_BYTES_MAX / PEER_BYTES_MAX] = {}, first = {}, more = {};
        struct peer *peer = new_unidentified(), *known = new_peer(ATTACKER);

        for (size_t i = 0; i < USER_BYTES_MAX / PEER_BYTES_MAX; i++)
                assert_int_equal(charge(new_peer(ATTACKER), charges + i, ACCOUNT_BYTES, PEER_BYTES_MAX), 0);
        assert_int_equal(charge(peer, &first, ACCOUNT_BYTES, PEER_BYTES_MAX), 0);
        assert_true(peers_are_full(peers));
        peer_identify(peer, ATTACKER);
        assert_false(peers_are_full(peers));
        assert_int_equal(peer->user->used[ACCOUNT_BYTES], USER_BYTES_MAX + PEER_BYTES_MAX);
        assert_int_equal(charge(known, &more, ACCOUNT_BYTES, 1), -EDQUOT);
        charge_release(&first);
        assert_int_equal(charge(known, &more, ACCOUNT_BYTES, 1), -EDQUOT);
        charge_release(charges);
        assert_int_equal(charge(known, &more, ACCOUNT_BYTES, 1), 0);
        charge_release(&more);
        for (size_t i = 1; i < ELEMENTSOF(charges); i++)
                charge_release(charges + i);
}

static void test_move(void **state) {
        struct peer *peer = new_peer(ATTACKER);
        struct charge call = {}, job = {};

        assert_int_equal(peer_charge(peer, &call, (size_t[_ACCOUNT_MAX]) { [ACCOUNT_CALLS] = 1, [ACCOUNT_BYTES] = 7 }),
                         0);
        assert_int_equal(charge(peer, &job, ACCOUNT_REQUESTS, 1), 0);
        charge_move(&call, &job, ACCOUNT_BYTES);
        charge_release(&call);
        assert_int_equal(peer->used[ACCOUNT_BYTES], 7);
        assert_int_equal(peer->user->used[ACCOUNT_CALLS], 0);
        charge_release(&job);
        assert_int_equal(peer->used[ACCOUNT_BYTES], 0);
}

static unsigned int n_left;
static struct charge left_charges[3];

/* The first callback that runs releases the other one's charge too. */
static void on_left(struct charge *charge) {
        n_left++;
        charge_release(left_charges);
        charge_release(left_charges + 1);
}

static void test_leaving(void **state) {
        struct peer *peer = new_peer(ATTACKER), *same;
        struct user *user = peer->user;
        char *name = strdup(peer->name);

        for (size_t i = 0; i < 3; i++)
                assert_int_equal(charge(peer, left_charges + i, ACCOUNT_REQUESTS, 1), 0);
        left_charges[0].on_left = left_charges[1].on_left = on_left;
        peer_leave(peer);
        assert_int_equal(n_left, 1);
        /* What cannot be stopped keeps its place. */
        assert_int_equal(user->used[ACCOUNT_REQUESTS], 1);
        assert_int_equal(user->n_peers, 1);
        assert_int_equal(peer_get(peers, name, &same), 0);
        assert_ptr_not_equal(same, peer);
        charge_release(left_charges + 2);
        assert_int_equal(user->n_peers, 0);
        free(name);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_limit_of_a_connection, setup, teardown),
                cmocka_unit_test_setup_teardown(test_limit_of_a_user, setup, teardown),
                cmocka_unit_test_setup_teardown(test_limit_of_all_others, setup, teardown),
                cmocka_unit_test_setup_teardown(test_identified_later, setup, teardown),
                cmocka_unit_test_setup_teardown(test_move, setup, teardown),
                cmocka_unit_test_setup_teardown(test_leaving, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
