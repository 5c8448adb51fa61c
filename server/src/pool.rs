//! Evaluation apart from everything else: threads of their own behind a short queue.
//!
//! Whatever a rule does, the threads that accept, read and answer probes do not feel it. Whoever finds the queue full is
//! told so at once, and a job whose deadline passed in the queue is dropped without being run.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::Builder;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

/// Deep documents and scripts need more than a thread has by default.
const STACK_BYTES: usize = 16 * 1_024 * 1_024;

struct Job {
    deadline: Instant,
    work: Box<dyn FnOnce() + Send>,
}

/// Threads that evaluate; they end when the pool is dropped.
pub struct Pool {
    jobs: Sender<Job>,
}

/// The queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Pool {
    /// As many threads, and a queue for as many jobs that wait. Each thread calls `prepare` before its first job.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(threads: usize, waiting: usize, prepare: impl Fn() + Clone + Send + 'static) -> io::Result<Self> {
        let (jobs, queue) = bounded(waiting);
        for _ in 0..threads {
            let (queue, prepare) = (queue.clone(), prepare.clone());
            let work = move || {
                // what could not be prepared is tried again by the first job, where a panic is caught
                drop(catch_unwind(AssertUnwindSafe(&prepare)));
                run(&queue);
            };
            Builder::new().name("evaluate".to_owned()).stack_size(STACK_BYTES).spawn(work)?;
        }
        Ok(Self { jobs })
    }

    /// Queues work; what it returns is received, unless the deadline has passed before it begins.
    ///
    /// # Errors
    /// [`Full`]: nothing is queued.
    pub fn queue<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Full> {
        let (answer, answered) = oneshot::channel();
        // whoever asked may be gone by then
        let work = Box::new(move || drop(answer.send(work())));
        match self.jobs.try_send(Job { deadline, work }) {
            Ok(()) => Ok(answered),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Full),
        }
    }
}

fn run(queue: &Receiver<Job>) {
    for job in queue {
        if Instant::now() < job.deadline {
            (job.work)();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    use super::{Full, Pool};

    #[test]
    fn a_full_queue_says_so_and_a_late_job_is_not_run() {
        let pool = Pool::start(1, 8, || ()).unwrap();
        let (go, wait) = channel::<()>();
        let (started, running) = channel();
        let later = Instant::now() + Duration::from_mins(1);
        let first = pool.queue(later, move || {
            started.send(()).unwrap();
            wait.recv().unwrap();
            1
        });
        running.recv().unwrap();
        // the deadline of this one has passed when its turn comes
        let late = pool.queue(Instant::now(), || 2).unwrap();
        let others: Vec<_> = (0..7).map(|n| pool.queue(later, move || n).unwrap()).collect();
        assert_eq!(pool.queue(later, || 3).err(), Some(Full));
        go.send(()).unwrap();
        assert_eq!(first.unwrap().blocking_recv(), Ok(1));
        assert!(late.blocking_recv().is_err());
        let others: Vec<_> = others.into_iter().map(|one| one.blocking_recv().unwrap()).collect();
        assert_eq!(others, [0, 1, 2, 3, 4, 5, 6]);
    }
}
