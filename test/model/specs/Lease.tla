-------------------------------- MODULE Lease --------------------------------
(* The lease: a task that runs for longer than the broker lets a delivery stay
   unsettled, and is taken over.

   What the code does: lib/worker/lease/leases.ts, and lib/worker/gates/once.
   First it is written in the shared state that the task runs here (the claim),
   which is renewed from then on; then a copy of it is published, out of sight
   for a time; when that is confirmed, the delivery is acknowledged. Whoever
   gets the copy when it is due looks at the claim: a changed one is that of a
   living process, and the copy is sent again, with the count of its looks; one
   that was met unchanged often enough is taken, and the task runs again.

   Time: no clocks are compared. What is assumed is that between two looks of
   one copy (two minutes, or half a minute) a process that lives has renewed its
   claim (every ten seconds), if the shared state could be reached: a look that
   cannot reach it is none. A process that is frozen for longer than that is
   taken for dead, here as in life; that it may then run beside its heir is
   what the model shows with Freeze, and docs/delivery-guarantees.md says. *)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
  Processes,
  LooksUntilDead,  \* 3 in the code
  MaxCopies,
  MaxFaults,
  MayFreeze,
  Mistake          \* "none", or what is done wrong on purpose

VARIABLES
  original,    \* the delivery of the task: where it is, and who holds it
  copy,        \* each copy: where it is, who holds it, whose claim it looks at, and how often in turn it met that unchanged
  used,
  claim,       \* in the shared state, under a name of each first run: whose it is now, and whether it says that the task is done
  process,     \* what each does with the task
  recorded,    \* the task has ended somewhere, and that is kept
  waiting,     \* the claims that nobody had time to renew since somebody looked
  faults

vars == <<original, copy, used, claim, process, recorded, waiting, faults>>

Nobody == "nobody"
Copies == 1..MaxCopies
NoCopy == [at |-> "nowhere", holder |-> Nobody, sender |-> Nobody, of |-> Nobody, met |-> FALSE, looks |-> 0]
NoClaim == [owner |-> Nobody, state |-> "none", copy |-> 0]
(* lease: how far being taken over has come; holds: the message that it was started by, 0 is the original; name: of its claim. *)
Idle == [runs |-> FALSE, over |-> FALSE, lease |-> "none", holds |-> 0, sent |-> 0, name |-> Nobody, state |-> "alive"]

Init ==
  /\ original = [at |-> "queued", holder |-> Nobody]
  /\ copy = [c \in Copies |-> NoCopy]
  /\ used = 0
  /\ claim = [p \in Processes |-> NoClaim]
  /\ process = [p \in Processes |-> Idle]
  /\ recorded = FALSE
  /\ waiting = {}
  /\ faults = 0

(* One that was frozen goes on where it stood. *)
Works(p) == process[p].state \in {"alive", "thawed"}

----------------------------------------------------------------------------
(* A run, and being taken over. *)

Start(p) ==
  /\ Works(p) /\ ~process[p].runs /\ ~process[p].over /\ original.at = "queued"
  /\ original' = [at |-> "held", holder |-> p]
  /\ process' = [process EXCEPT ![p].runs = TRUE, ![p].name = p]
  /\ UNCHANGED <<recorded, copy, used, claim, waiting, faults>>

(* It came back to the process that runs it, or has run it: it joins that run. *)
Join(p) ==
  /\ Works(p) /\ (process[p].runs \/ process[p].over) /\ process[p].name = p /\ original.at = "queued"
  /\ original' = [at |-> "held", holder |-> p]
  /\ UNCHANGED <<recorded, copy, used, claim, process, waiting, faults>>

WriteClaim(p) ==
  LET name == process[p].name IN
  /\ Works(p) /\ process[p].runs /\ process[p].lease = "none"
  /\ claim[name].owner = p \/ claim[name] = NoClaim
  /\ claim' = [claim EXCEPT ![name] = [owner |-> p, state |-> "leased", copy |-> 0]]
  /\ process' = [process EXCEPT ![p].lease = "claimed"]
  /\ UNCHANGED <<recorded, original, copy, used, waiting, faults>>

SendCopy(p) ==
  /\ Works(p) /\ process[p].runs /\ used < MaxCopies
  /\ process[p].lease = "claimed" \/ (process[p].lease = "sending" /\ copy[process[p].sent].at = "lost")
  /\ used' = used + 1
  /\ copy' = [copy EXCEPT ![used + 1] = [NoCopy EXCEPT !.at = "sending", !.sender = p, !.of = process[p].name]]
  /\ process' = [process EXCEPT ![p].lease = "sending", ![p].sent = used + 1]
  /\ UNCHANGED <<recorded, original, claim, waiting, faults>>

(* It arrived, out of sight for a time, and that is confirmed. *)
Arrive(c) ==
  /\ copy[c].at = "sending"
  /\ copy' = [copy EXCEPT ![c].at = "hidden"]
  /\ UNCHANGED <<recorded, original, used, claim, process, waiting, faults>>

AckOf(p) ==
  IF process[p].holds = 0 THEN
    /\ original.at = "held" /\ original.holder = p
    /\ original' = [at |-> "acked", holder |-> Nobody] /\ UNCHANGED copy
  ELSE LET c == process[p].holds IN
    /\ copy[c].at = "held" /\ copy[c].holder = p
    /\ copy' = [copy EXCEPT ![c].at = "acked", ![c].holder = Nobody] /\ UNCHANGED original

(* Its own delivery is let go only now. *)
TakeOver(p) ==
  /\ Works(p) /\ process[p].runs /\ process[p].lease = "sending"
  /\ copy[process[p].sent].at \notin {"sending", "lost"} \/ Mistake = "ack-before-copy"
  /\ AckOf(p)
  /\ process' = [process EXCEPT ![p].lease = "taken"]
  /\ UNCHANGED <<recorded, used, claim, waiting, faults>>

(* Every ten seconds. Whoever has met the claim before sees that it has changed. *)
Renew(p) ==
  LET name == process[p].name IN
  /\ Works(p) /\ process[p].runs /\ claim[name].owner = p /\ claim[name].state # "done"
  /\ name \in waiting /\ Mistake # "never-renewed"
  /\ copy' = [c \in Copies |-> IF copy[c].of = name THEN [copy[c] EXCEPT !.met = FALSE] ELSE copy[c]]
  /\ waiting' = waiting \ {name}
  /\ UNCHANGED <<recorded, original, used, claim, process, faults>>

(* The claim says that the task is done, unless another has it now; what it holds is acknowledged after that. *)
Finish(p) ==
  LET name == process[p].name IN
  /\ Works(p) /\ process[p].runs
  /\ process[p].lease \in {"none", "taken"} \/ (process[p].lease = "sending" /\ copy[process[p].sent].at = "lost")
  /\ process' = [process EXCEPT ![p].runs = FALSE, ![p].over = TRUE]
  /\ claim' = [claim EXCEPT ![name].state = IF claim[name].owner = p THEN "done" ELSE @]
  /\ recorded' = TRUE
  /\ UNCHANGED <<original, copy, used, waiting, faults>>

Settle(p) ==
  /\ Works(p) /\ process[p].over
  /\ AckOf(p)
  /\ UNCHANGED <<recorded, used, claim, process, waiting, faults>>

----------------------------------------------------------------------------
(* A copy that is due, and is met by a process. *)

Due(c) ==
  /\ copy[c].at = "hidden"
  /\ copy' = [copy EXCEPT ![c].at = "queued"]
  /\ UNCHANGED <<recorded, original, used, claim, process, waiting, faults>>

(* The assumption about time: whoever lives has renewed since the last look. *)
HadTime(name) == (name \in waiting /\ claim[name].state # "done") => ~Works(claim[name].owner) \/ Mistake = "never-renewed"

Looks(c) == IF copy[c].met THEN copy[c].looks + 1 ELSE 0

(* Which copy runs is in the claim: the same one back again means that the broker took it from who ran it. *)
IsDead(c) ==
  \/ claim[copy[c].of].copy = c
  \/ (claim[copy[c].of].copy = 0 /\ Looks(c) >= LooksUntilDead /\ Mistake # "never-given-up")
  \/ Mistake = "taken-at-first-look"

Drop(c) ==
  /\ copy[c].at = "queued" /\ claim[copy[c].of].state = "done"
  /\ copy' = [copy EXCEPT ![c].at = "acked"]
  /\ UNCHANGED <<recorded, original, used, claim, process, waiting, faults>>

(* The claim is replaced where it is still the one that was met: of two, one gets it. *)
Inherit(p, c) ==
  LET name == copy[c].of IN
  /\ Works(p) /\ ~process[p].runs /\ ~process[p].over
  /\ copy[c].at = "queued" /\ claim[name].state # "done" /\ HadTime(name) /\ IsDead(c)
  /\ copy' = [k \in Copies |-> CASE k = c -> [copy[k] EXCEPT !.at = "held", !.holder = p]
                                 [] copy[k].of = name -> [copy[k] EXCEPT !.met = FALSE]
                                 [] OTHER -> copy[k]]
  /\ claim' = [claim EXCEPT ![name] = [owner |-> p, state |-> "running", copy |-> c]]
  /\ process' = [process EXCEPT ![p].runs = TRUE, ![p].holds = c, ![p].name = name]
  /\ waiting' = waiting \ {name}
  /\ UNCHANGED <<recorded, original, used, faults>>

(* It is sent again with what it has met, confirmed, and then this delivery is acknowledged: here in one step. *)
LookAgain(p, c) ==
  LET name == copy[c].of IN
  /\ Works(p) /\ copy[c].at = "queued" /\ claim[name].state # "done" /\ HadTime(name) /\ ~IsDead(c)
  /\ copy' = [copy EXCEPT ![c].at = "hidden", ![c].met = TRUE, ![c].looks = IF Looks(c) < LooksUntilDead THEN Looks(c) ELSE @]
  /\ waiting' = waiting \cup {name}
  /\ UNCHANGED <<recorded, original, used, claim, process, faults>>

----------------------------------------------------------------------------
(* Faults. *)

Fault == faults < MaxFaults /\ faults' = faults + 1

(* What the process has not settled goes back; what it was sending may be lost. *)
Back(p) ==
  /\ original' = IF original.holder = p THEN [at |-> "queued", holder |-> Nobody] ELSE original
  /\ \E lost \in SUBSET {c \in Copies : copy[c].at = "sending" /\ copy[c].sender = p} :
       copy' = [c \in Copies |->
         CASE c \in lost -> [copy[c] EXCEPT !.at = "lost"]
           [] copy[c].at = "sending" /\ copy[c].sender = p -> [copy[c] EXCEPT !.at = "hidden"]
           [] copy[c].at = "held" /\ copy[c].holder = p -> [copy[c] EXCEPT !.at = "queued", !.holder = Nobody]
           [] OTHER -> copy[c]]
  /\ UNCHANGED <<recorded, used, claim, waiting>>

Cut(p) == Fault /\ Works(p) /\ Back(p) /\ UNCHANGED process

Die(p) == Fault /\ process[p].state # "dead" /\ Back(p) /\ process' = [process EXCEPT ![p] = [Idle EXCEPT !.state = "dead"]]

Freeze(p) == MayFreeze /\ Fault /\ Works(p) /\ Back(p) /\ process' = [process EXCEPT ![p].state = "frozen"]

Thaw(p) == process[p].state = "frozen" /\ process' = [process EXCEPT ![p].state = "thawed"] /\ UNCHANGED <<recorded, original, copy, used, claim, waiting, faults>>

----------------------------------------------------------------------------

Started(p) == Start(p) \/ \E c \in Copies : Inherit(p, c)

WorkOf(p) == Started(p) \/ Join(p) \/ WriteClaim(p) \/ SendCopy(p) \/ TakeOver(p) \/ Renew(p) \/ Finish(p) \/ Settle(p) \/ \E c \in Copies : LookAgain(p, c)

Next ==
  \/ \E p \in Processes : WorkOf(p) \/ Cut(p) \/ Die(p) \/ Freeze(p) \/ Thaw(p)
  \/ \E c \in Copies : Arrive(c) \/ Due(c) \/ Drop(c)

Fair ==
  /\ \A p \in Processes : WF_vars(Started(p) \/ Join(p)) /\ WF_vars(TakeOver(p)) /\ WF_vars(SendCopy(p)) /\ WF_vars(Renew(p)) /\ SF_vars(Finish(p)) /\ WF_vars(Settle(p)) /\ WF_vars(Thaw(p))
                          /\ \A c \in Copies : SF_vars(LookAgain(p, c)) /\ WF_vars(Inherit(p, c))
  /\ \A c \in Copies : WF_vars(Arrive(c)) /\ WF_vars(Due(c)) /\ WF_vars(Drop(c))

Spec == Init /\ [][Next]_vars /\ Fair

----------------------------------------------------------------------------
(* What users pay for. *)

Runners == {p \in Processes : process[p].runs}

(* It runs, or something stands for it that will come. A run that holds nothing has a copy. *)
NotLost == recorded \/ original.at \in {"queued", "held"} \/ \E c \in Copies : copy[c].at \in {"hidden", "queued", "held"}

(* Nobody begins it in the place of a process that took it over, lives, and was never frozen. A process that died
   between the three steps leaves a copy beside the delivery: those two may run, which is why the name is compared. *)
TakenOver == {p \in Runners : process[p].lease = "taken" /\ process[p].state = "alive"}
NoSecondStart == [][\A p \in TakenOver : \A q \in Processes : (~process[q].runs /\ process'[q].runs) => process'[q].name # process[p].name]_vars

(* In the end, unless the bound of the model was reached or no process is left. *)
Ends == <>(recorded \/ used = MaxCopies \/ \A p \in Processes : process[p].state = "dead")
=============================================================================
