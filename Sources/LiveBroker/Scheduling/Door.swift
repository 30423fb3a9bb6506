// SPDX-License-Identifier: Apache-2.0

/// A synchronous way into an actor from work that is known to run on the actor's executor.
///
/// A shard, its sessions, their tokens and their handles are actors of one executor, so they enter
/// each other without waiting. `assumeIsolated` does that too, but asks the runtime each time, which
/// for work outside of a job means conformance look-ups, and allocates for the closure: a planned
/// move enters 65 times, and a tenth of its cost was spent at these gates. A door is made once, asks
/// in debug builds only, and allocates nothing.
///
/// Whoever uses one must stand on the executor already: in a job or a body of it, or behind a check
/// of ``ShardExecutor/isCurrent``, as everything that comes from a connection is.
struct Door<Resident: Actor, Argument, Answer>: Sendable {
  private let body: @Sendable (Resident, Argument) -> Answer

  /// - Parameter body: What is done inside. It should capture nothing; it runs at once.
  init(_ body: @escaping @Sendable (isolated Resident, Argument) -> Answer) {
    // `isolated` tells the compiler who may call, not how: both types are called alike. The standard
    // library's `assumeIsolated` is built on the same cast.
    self.body = unsafeBitCast(body, to: (@Sendable (Resident, Argument) -> Answer).self)
  }

  func callAsFunction(_ resident: Resident, _ argument: Argument) -> Answer {
    // Through `assert`, since `assertIsolated` of the installed library checks in all builds.
    assert(
      {
        resident.assertIsolated(); return true
      }())
    return body(resident, argument)
  }
}

extension Door where Argument == Void {
  func callAsFunction(_ resident: Resident) -> Answer { self(resident, ()) }
}
