/* How a connection gets from a router to a worker of its site while that worker starts, grants
 * credits, falls idle, retires, is woken again, or dies: the protocol of privsep/messages.h between
 * the master, the routers and the one worker of one site, in every interleaving of them.
 *
 * Checked (test/model/check): each connection is served exactly once, or lost together with the
 * process that had taken it and died; nothing is lost on the way; a router never holds more credits
 * than the window, and none is lost for good: nobody waits for ever.
 *
 * Left out: time (what may happen by a deadline may happen at any moment), other sites, refusals,
 * and the back-off after a first failure. A message is handled without a pause, as in loops of one
 * thread, and a descriptor in flight belongs to its receiver. */

/* How much of everything; the checker varies it. */
#ifndef ROUTERS
#define ROUTERS 1               /* at most 2 */
#endif
#ifndef CONNECTIONS
#define CONNECTIONS 2           /* of each router */
#endif
#ifndef WINDOW
#define WINDOW 1                /* credits that a worker grants each router */
#endif
#ifndef RETIREMENTS
#define RETIREMENTS 1
#endif
#ifndef WORKER_DEATHS
#define WORKER_DEATHS 0
#endif
#ifndef ROUTER_DEATHS
#define ROUTER_DEATHS 0
#endif

/* The controls: with one of these left out, the checker must find a way for it to go wrong. */
#ifdef WITHOUT_INCARNATION      /* a credit does not say whose it is */
#define same_worker(by, incarnation) true
#else
#define same_worker(by, incarnation) (by == incarnation)
#endif
#ifdef WITHOUT_READING_TO_THE_END   /* a retiring worker leaves when it has nothing open */
#define may_leave true
#else
#define may_leave all_let_go
#endif
#ifdef WITHOUT_WAKING_AGAIN     /* a router that is told to let go does not ask for another worker */
#define WAKES_AGAIN false
#else
#define WAKES_AGAIN true
#endif

#define PROCESSES (1 + RETIREMENTS + WORKER_DEATHS)     /* of workers, ever */
#define CHANNELS (ROUTERS * (1 + RETIREMENTS) + ROUTER_DEATHS * 2 + 1)
#define ALL (ROUTERS * CONNECTIONS)
#define NONE 255

mtype = { attach_site, detach_site, wake, lock_down_complete, attach_router, retire, idle, busy };

/* Control channels. The fields say which router, worker or channel a message is about. */
chan to_router[ROUTERS] = [4] of { mtype, byte };               /* channel */
chan to_worker[PROCESSES] = [4] of { mtype, byte, byte };       /* channel, router */
chan from_router = [4] of { mtype, byte };                      /* router */
chan from_worker = [4] of { mtype, byte };                      /* worker */

/* Channels between a router and a worker; a number is used once. Of the worker's end the master
 * keeps a copy, for its place of a worker (a WorkerChild), and a process may hold one. */
chan hand_over[CHANNELS] = [2] of { byte, byte };               /* connection, incarnation */
chan credit[CHANNELS] = [2] of { byte, byte };                  /* count, incarnation */
bool router_has[CHANNELS];
bool master_has[CHANNELS];
byte worker_has[CHANNELS] = NONE;
byte router_of[CHANNELS];
byte channels = 0;

/* Who lives, and whose death the master has not heard of yet. */
bool worker_ended[PROCESSES];
bool worker_failed[PROCESSES];
bool router_ended[ROUTERS];
byte processes = 0;
byte arrived[ROUTERS];                  /* connections that the kernel has given a router */

/* What has become of the connections, and how often what may happen has happened. */
byte served[ALL];
bool lost[ALL];
byte retirements = 0;
byte worker_deaths = 0;
byte router_deaths = 0;

#define has_ended(c) (!master_has[c] && worker_has[c] == NONE)  /* for its router */

/* Whoever closes the last copy of a worker's end takes along what is queued in it. */
inline check_nothing_is_lost_in(c) {
  assert(!has_ended(c) || empty(hand_over[c]))
}

/* A router's descriptors go with it, those in flight to it too. */
inline forget_router(r) {
  do
  :: nempty(to_router[r]) -> to_router[r]?_(_)
  :: empty(to_router[r]) -> break
  od;
  c = 0;
  do
  :: c < channels ->
       if
       :: router_of[c] == r -> router_has[c] = false
       :: else
       fi;
       c++
  :: else -> break
  od
}

/* ---- a router: router_sites.cc */

proctype router(byte me) {
  byte front = me * CONNECTIONS + arrived[me];  /* front .. me * CONNECTIONS + arrived - 1 wait */
  byte attached = NONE;
  byte credits = 0;
  byte incarnation = NONE;                      /* of the worker that granted them */
  bool woken = false;
  byte c, count, by;

#define waits (front < me * CONNECTIONS + arrived[me])

end:
  do
  :: atomic { arrived[me] < CONNECTIONS ->      /* accepted, peeked at, queued */
       arrived[me]++;
       if
       :: !woken -> from_router!wake(me); woken = true
       :: else
       fi
     }
  :: atomic { waits && credits > 0 ->
       hand_over[attached]!front(incarnation); front++; credits--
     }
  :: atomic { attached != NONE && nempty(credit[attached]) ->
       credit[attached]?count(by);
       if
       :: same_worker(by, incarnation) -> incarnation = by; credits = credits + count
       :: else -> incarnation = by; credits = count
       fi;
       assert(credits <= WINDOW)
     }
  :: atomic { attached != NONE && empty(credit[attached]) && has_ended(attached) ->
       router_has[attached] = false; attached = NONE; credits = 0
     }
  :: atomic { to_router[me]?attach_site(c) ->
       if
       :: attached != NONE -> router_has[attached] = false
       :: else
       fi;
       attached = c; credits = 0; incarnation = NONE; woken = true
     }
  :: atomic { to_router[me]?detach_site(c) ->
       router_has[c] = false;
       if
       :: attached == c -> attached = NONE; credits = 0
       :: else
       fi;
       if
       :: attached != NONE
       :: attached == NONE && waits && WAKES_AGAIN -> from_router!wake(me); woken = true
       :: attached == NONE && !(waits && WAKES_AGAIN) -> woken = false
       fi
     }
  :: atomic { router_deaths < ROUTER_DEATHS ->  /* kill -9: what it held is lost */
       router_deaths++;
       do
       :: waits -> lost[front] = true; front++
       :: else -> break
       od;
       forget_router(me);
       router_ended[me] = true;
       break
     }
  od
}

/* ---- a worker: worker_loop.cc, credits.h */

proctype worker(byte me) {
  byte channel[ROUTERS];
  byte granted[ROUTERS];
  bool open[ALL];                               /* connections that it serves */
  byte count = 0;                               /* of these */
  bool draining = false;
  bool told_idle = false;
  byte c, r, connection, by;

  channel[0] = NONE;
#if ROUTERS > 1
  channel[1] = NONE;
#endif
  from_worker!lock_down_complete(me);

#define FROM_ROUTER(r)                                                                          \
  :: atomic { channel[r] != NONE && nempty(hand_over[channel[r]]) ->                            \
       hand_over[channel[r]]?connection(by);                                                    \
       if                                                                                       \
       :: by == me && granted[r] > 0 -> granted[r]--                                            \
       :: else                                                                                  \
       fi;                                                                                      \
       open[connection] = true; count++;                                                        \
       if                                                                                       \
       :: told_idle -> from_worker!busy(me); told_idle = false                                  \
       :: else                                                                                  \
       fi                                                                                       \
     }                                                                                          \
  :: atomic { channel[r] != NONE && empty(hand_over[channel[r]]) && !router_has[channel[r]] ->  \
       worker_has[channel[r]] = NONE; channel[r] = NONE; granted[r] = 0                         \
     }                                                                                          \
  :: atomic { channel[r] != NONE && granted[r] < WINDOW && count == 0 &&                        \
              nfull(credit[channel[r]]) && router_has[channel[r]] ->                            \
       credit[channel[r]]!(WINDOW - granted[r])(me); granted[r] = WINDOW                        \
     }

#define all_let_go (channel[0] == NONE && channel[ROUTERS - 1] == NONE)

end:
  do
  :: atomic { to_worker[me]?attach_router(c, r) ->
       /* What the router's predecessor had sent is read first: receive_hand_overs(). */
       if
       :: channel[r] != NONE ->
            do
            :: nempty(hand_over[channel[r]]) ->
                 hand_over[channel[r]]?connection(by); open[connection] = true; count++
            :: empty(hand_over[channel[r]]) -> break
            od;
            worker_has[channel[r]] = NONE
       :: else
       fi;
       channel[r] = c; granted[r] = 0
     }
  :: atomic { to_worker[me]?retire(_, _) -> draining = true }
  FROM_ROUTER(0)
#if ROUTERS > 1
  FROM_ROUTER(1)
#endif
  :: atomic { count > 0 ->                      /* one is served to its end */
       connection = 0;
       do
       :: !open[connection] -> connection++
       :: else -> break
       od;
       open[connection] = false; count--;
       served[connection]++
     }
  :: atomic { count == 0 && !told_idle && !draining && !all_let_go ->
       from_worker!idle(me); told_idle = true
     }
  :: atomic { draining && count == 0 && may_leave -> worker_ended[me] = true; break }
  :: atomic { worker_deaths < WORKER_DEATHS ->  /* kill -9: what it served is lost */
       worker_deaths++;
       connection = 0;
       do
       :: connection < ALL ->
            if
            :: open[connection] -> lost[connection] = true
            :: else
            fi;
            connection++
       :: else -> break
       od;
       c = 0;
       do
       :: c < channels ->
            if
            :: worker_has[c] == me -> worker_has[c] = NONE; check_nothing_is_lost_in(c)
            :: else
            fi;
            c++
       :: else -> break
       od;
       worker_failed[me] = true; worker_ended[me] = true;
       break
     }
  od
}

/* ---- the master: master_groups.cc, master_workers.cc, master_routers.cc */

#define serving_router(r) (!router_ended[r])

/* Each router gets its end at once, the worker its own when it serves. */
inline connect(r) {
  if
  :: ends[r] == NONE ->
       ends[r] = channels;
       router_of[channels] = r; router_has[channels] = true;
       master_has[channels] = true;
       to_router[r]!attach_site(channels);
       if
       :: serving -> worker_has[channels] = current; to_worker[current]!attach_router(channels, r)
       :: else
       fi;
       channels++
  :: else
  fi
}

inline connect_all() {
  connect(0);
#if ROUTERS > 1
  connect(1);
#endif
}

inline start_worker() {
  current = processes; processes++;
  serving = false; is_idle = false;
  run worker(current);
  connect_all()
}

inline detach(r) {
  if
  :: ends[r] != NONE ->
       to_router[r]!detach_site(ends[r]);
       /* The retired place keeps it until the process has ended. */
       retired_ends[current * ROUTERS + r] = ends[r];
       ends[r] = NONE
  :: else
  fi
}

inline give_end(place_end, r) {
  if
  :: place_end != NONE ->
       worker_has[place_end] = w;
       to_worker[w]!attach_router(place_end, r)
  :: else
  fi
}

active proctype master() {
  byte current = NONE;                  /* the process in the site's place */
  bool serving = false;
  bool is_idle = false;
  byte ends[ROUTERS];                   /* channels that are kept for it */
  byte retired_ends[PROCESSES * ROUTERS] = NONE;
  byte r, w, c;

  ends[0] = NONE; run router(0);
#if ROUTERS > 1
  ends[1] = NONE; run router(1);
#endif

#define REAP_ROUTER(r)                                                                          \
  :: atomic { router_ended[r] && from_router ?? [wake, r] == false ->                           \
       router_ended[r] = false;                                                                 \
       forget_router(r);            /* what was sent to it since */                             \
       if                                                                                       \
       :: ends[r] != NONE ->                                                                    \
            master_has[ends[r]] = false;                                                        \
            check_nothing_is_lost_in(ends[r]);                                                  \
            ends[r] = NONE                                                                      \
       :: else                                                                                  \
       fi;                                                                                      \
       run router(r);                                                                           \
       if                                                                                       \
       :: current != NONE -> connect(r)                                                         \
       :: else                                                                                  \
       fi                                                                                       \
     }

end:
  do
  :: atomic { from_router?wake(r) ->
       if
       :: current == NONE -> start_worker()
       :: else
       fi
     }
  :: atomic { from_worker?lock_down_complete(w) ->
       if
       :: w == current ->
            serving = true;
            give_end(ends[0], 0);
#if ROUTERS > 1
            give_end(ends[1], 1)
#endif
       :: else ->                       /* in the place of one that had retired, and died */
            give_end(retired_ends[w * ROUTERS], 0);
#if ROUTERS > 1
            give_end(retired_ends[w * ROUTERS + 1], 1);
#endif
            to_worker[w]!retire(0, 0)
       fi
     }
  :: atomic { from_worker?idle(w) ->
       if
       :: w == current -> is_idle = true
       :: else
       fi
     }
  :: atomic { from_worker?busy(w) ->
       if
       :: w == current -> is_idle = false
       :: else
       fi
     }
  :: atomic { current != NONE && serving && is_idle && retirements < RETIREMENTS ->
       retirements++;
       detach(0);
#if ROUTERS > 1
       detach(1);
#endif
       to_worker[current]!retire(0, 0);
       current = NONE; serving = false; is_idle = false
     }
  :: atomic { processes > 0 && worker_ended[0] && empty(from_worker) -> w = 0; goto reap }
#if RETIREMENTS + WORKER_DEATHS > 0
  :: atomic { processes > 1 && worker_ended[1] && empty(from_worker) -> w = 1; goto reap }
#endif
#if RETIREMENTS + WORKER_DEATHS > 1
  :: atomic { processes > 2 && worker_ended[2] && empty(from_worker) -> w = 2; goto reap }
#endif
#if ROUTER_DEATHS > 0
  REAP_ROUTER(0)
#if ROUTERS > 1
  REAP_ROUTER(1)
#endif
#endif
  od;

reap:
  atomic {
    worker_ended[w] = false;
    /* What is in flight to it goes with it. */
    do
    :: nempty(to_worker[w]) -> to_worker[w]?_(_, _)
    :: empty(to_worker[w]) -> break
    od;
    c = 0;
    do
    :: c < channels ->
         if
         :: worker_has[c] == w -> worker_has[c] = NONE
         :: else
         fi;
         c++
    :: else -> break
    od;
    if
    :: w == current ->                  /* a successor at once, on the same channels */
         start_worker()
    :: w != current && worker_failed[w] ->
         r = 0;
         do
         :: r < ROUTERS ->
              retired_ends[processes * ROUTERS + r] = retired_ends[w * ROUTERS + r];
              r++
         :: else -> break
         od;
         run worker(processes);
         processes++
    :: else ->                          /* it had retired */
         r = 0;
         do
         :: r < ROUTERS ->
              c = retired_ends[w * ROUTERS + r];
              if
              :: c != NONE -> master_has[c] = false; check_nothing_is_lost_in(c)
              :: else
              fi;
              r++
         :: else -> break
         od
    fi;
    goto end
  }
}

/* When nothing can happen any more, every connection has had its end. */
active proctype judge() {
  byte i = 0;
end:
  timeout;
  atomic {
    do
    :: i < ALL -> assert(served[i] + lost[i] == 1); i++
    :: else -> break
    od
  }
}
