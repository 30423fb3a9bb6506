// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A lock with one condition on which a thread may wait until an instant of the monotonic clock.
///
/// The standard library has locks but nothing to wait on; this is the only place that needs one.
final class MonotonicCondition: @unchecked Sendable {
  // Heap memory of their own, because a mutex must not move.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    #if canImport(Darwin)
    pthread_cond_init(condition, nil)
    #else
    // A step of the calendar must neither wake nor delay anyone.
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
    #endif
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func lock() { pthread_mutex_lock(mutex) }
  func unlock() { pthread_mutex_unlock(mutex) }

  /// Wakes all who wait. Spurious wake-ups are allowed: waiters look again.
  func broadcast() { pthread_cond_broadcast(condition) }

  /// Gives the lock up, waits for a broadcast or the deadline, and takes the lock again.
  func wait(until deadline: EngineInstant) {
    guard deadline != .never else {
      pthread_cond_wait(condition, mutex)
      return
    }
    #if canImport(Darwin)
    let left = max(0, SystemClock().now.duration(to: deadline).nanoseconds)
    var time = Self.time(nanoseconds: left)
    pthread_cond_timedwait_relative_np(condition, mutex, &time)
    #else
    var time = Self.time(nanoseconds: max(0, deadline.nanoseconds))
    pthread_cond_timedwait(condition, mutex, &time)
    #endif
  }

  private static func time(nanoseconds: Int64) -> timespec {
    var time = timespec()
    time.tv_sec = numericCast(nanoseconds / 1_000_000_000)
    time.tv_nsec = numericCast(nanoseconds % 1_000_000_000)
    return time
  }
}
