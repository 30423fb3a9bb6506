// SPDX-License-Identifier: Apache-2.0

public import LiveBroker

/// A simulation that cannot go on although its body has not returned.
public struct SimulationStalled: Error, Sendable, Hashable, CustomStringConvertible {
  /// Why it cannot go on.
  public enum Reason: Sendable, Hashable {
    /// Nothing is ready and no timer is left: the body waits for something that never comes.
    case nothingLeft
    /// The next timer lies beyond the limit given to `run`.
    case limitReached
  }

  /// Why it cannot go on.
  public var reason: Reason
  /// The virtual time at which it stopped.
  public var instant: EngineInstant
  /// Jobs and bodies run since the simulation was made.
  public var jobsRun: UInt64
  /// Timers fired since the simulation was made.
  public var timersFired: UInt64
  /// Timers still waiting; zero unless a limit was reached.
  public var timersWaiting: Int
  /// The seed that leads here again.
  public var seed: UInt64

  /// One line for people.
  public var description: String {
    let why =
      switch reason {
      case .nothingLeft: "nothing is ready and no timer is left, but the body has not returned"
      case .limitReached: "the limit of virtual time is reached, but the body has not returned"
      }
    let milliseconds = instant.nanoseconds / 1_000_000
    return "SimulationStalled: \(why) (seed \(seed), virtual time \(milliseconds) ms, "
      + "\(jobsRun) jobs run, \(timersFired) timers fired, \(timersWaiting) timers waiting)"
  }
}
