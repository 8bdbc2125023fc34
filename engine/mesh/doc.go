// Package mesh adds vectors of several lanes and processes in a fixed order.
//
// What is computed is fixed, where is not. A training step is a list of leaves
// (shards of the batch), each with a gradient. Their sum is taken in one binary
// tree that depends on the number of leaves alone: it splits at the largest power
// of two below that number.
//
//	      ┌──────────+──────────┐
//	  ┌───+───┐             ┌───+───┐        (0+1)+(2+3) + (4+5)+6
//	┌─+─┐   ┌─+─┐         ┌─+─┐     │
//	0   1   2   3         4   5     6        leaves
//	└─ rank 0 ──────┘     └─ rank 1 ┘        one way to place them
//	└─ rank 0 ┘ └─ rank 1 ────┘ └ rank 2     another: rank 1 sends (2+3) and 4 by themselves
//
// Who computes a leaf is the mesh's business: one core in turn, the lanes of a
// process, or processes on several machines. A member of a [Group] holds a block of
// leaves, which is a few whole subtrees ([Trees]); it adds up each of them by itself
// ([Merges]) and hands the sums to a collective, which does the additions that are
// left. So any number of members gives the same bits. (The payload bits of a NaN are
// not fixed; that there is one is.)
//
// A [Link] carries messages between ranks. [Local] joins the lanes of one process:
// their collectives work on each other's slices. [Join] joins processes by Unix
// sockets and TCP with TLS 1.3 into a [Net]. The collectives of a [Group] are written
// once for each of the two: on shared memory, and on messages.
//
// All-reduce is reduce-scatter, after which every member has the sum of one piece,
// and all-gather of the pieces: 2(N−1)/N·S bytes sent by each of N members for a
// vector of S bytes, whatever the form. The direct form sends every owner its piece at
// once. Groups of 16, 32, … members with one whole tree each meet in pairs at distance
// 1, 2, 4, … instead, which is the same tree in log₂N steps. A ring would send the same
// bytes, but adds in an order that depends on the place in the vector.
//
// Nothing hangs. A peer that closes its connection or says nothing for five beats is
// lost, and every pending and later call of every rank returns the same [ErrLost].
// Members that disagree about the next collective get an [ErrDisagree] with both
// ranks and both calls.
package mesh
