----------------------------- MODULE LedgerTrace -----------------------------
(* Whether recorded runs are behaviours of Ledger, key by key; see SettleTrace.
   Requests are seen by what they wrote: whoever has the lock may write it anew,
   and an answer to what was written must not come before it is safe. Of other
   keys there is a record only where it can prove that something has gone. *)
EXTENDS Ledger, Recorded

VARIABLES
  trace,       \* the number of the trace
  line         \* its next line

traceVars == <<trace, line>>

RecordedClients == {"nobody"}

ASSUME \A t \in DOMAIN Traces : TLCSet(t, 0)

TraceInit == Init /\ trace \in DOMAIN Traces /\ line = 1

Now == Traces[trace][line]

MayWrite ==
  \/ Now.says = "checkpoint"
  \/ Now.says = "taken" /\ state.who \in {None, Now.who}
  \/ Now.says = "freed" /\ state.who # None

Seen ==
  \/ Now.what = "keeping" /\ Take /\ state'.who = Now.who
  \/ Now.what = "write" /\ phase = "keeping" /\ MayWrite /\ Write(Now.says, Now.who, line)
     /\ UNCHANGED <<queue, phase, answers, requests, client, asked, faults>>
  \/ Now.what = "confirm" /\ Now.number \in Ids /\ Confirm(Now.number)
  \/ Now.what = "release" /\ Now.number \in Ids /\ Release(Now.number)
  \/ Now.what = "told" /\ phase = "keeping" /\ Now.number <= UpTo /\ UNCHANGED vars
  \/ Now.what = "gone" /\ Change

(* An acknowledgement that was seen may have been lost with the line. *)
ReleaseLost(i) ==
  /\ phase = "none" /\ record[i].at = "acked"
  /\ record' = [record EXCEPT ![i].at = "queued"]
  /\ UNCHANGED <<written, queue, phase, state, outdated, answers, requests, client, asked, faults>>

Unseen == \E i \in Ids : Arrive(i) \/ ReleaseLost(i)

TraceNext ==
  /\ line <= Len(Traces[trace])
  /\ \/ Seen /\ line' = line + 1 /\ UNCHANGED trace
     \/ Unseen /\ UNCHANGED traceVars

TraceSpec == TraceInit /\ [][TraceNext]_<<vars, traceVars>>

Followed == IF line > TLCGet(trace) THEN TLCSet(trace, line) /\ PrintT(<<"followed", trace, line>>) ELSE TRUE
=============================================================================
