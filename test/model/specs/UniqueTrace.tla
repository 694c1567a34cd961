----------------------------- MODULE UniqueTrace -----------------------------
(* Whether recorded runs are behaviours of Unique, key by key; see SettleTrace. *)
EXTENDS Unique, Sequences, Recorded

VARIABLES
  trace,       \* the number of the trace
  line         \* its next line

traceVars == <<trace, line>>

ASSUME \A t \in DOMAIN Traces : TLCSet(t, 0)

TraceInit == Init /\ trace \in DOMAIN Traces /\ line = 1

Now == Traces[trace][line]

Seen ==
  \/ Now.what = "claimed" /\ Claim(Now.by)
  \/ Now.what = "publish" /\ Send(Now.by)
  \/ Now.what = "confirm" /\ Confirmed(Now.by)
  \/ Now.what = "held" /\ Hold(Now.by) /\ key' # key
  \/ Now.what = "deliver" /\ Start(Now.by)
  \/ Now.what = "started" /\ Enter(Now.by) /\ key'.who = Now.by
  \/ Now.what = "freed" /\ (FreeEnded(Now.by) \/ FreeFailed(Now.by)) /\ key' = Free
  \/ Now.what = "ack" /\ Ack(Now.by)
  \/ Now.what = "died" /\ DieWorker(Now.by)

(* What writes nothing into the state that is shared, nobody sees there. It is of one task alone, so that it may as well
   happen right before the next that is seen of that task. *)
Unseen ==
  LET t == Now.by IN Arrive(t) \/ End(t) \/ ((Hold(t) \/ Enter(t) \/ FreeEnded(t)) /\ key' = key)

TraceNext ==
  /\ line <= Len(Traces[trace])
  /\ \/ Seen /\ line' = line + 1 /\ UNCHANGED trace
     \/ Unseen /\ UNCHANGED traceVars

TraceSpec == TraceInit /\ [][TraceNext]_<<vars, traceVars>>

Followed == IF line > TLCGet(trace) THEN TLCSet(trace, line) /\ PrintT(<<"followed", trace, line>>) ELSE TRUE
=============================================================================
